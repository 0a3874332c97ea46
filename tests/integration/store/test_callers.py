"""Who may call what of ours: whatever reads as a person is the app's alone, and a browser calls nothing."""

import asyncpg

CALLABLE = """
    SELECT p.proname, r.rolname
      FROM pg_proc p CROSS JOIN pg_roles r
     WHERE p.pronamespace = 'nura'::regnamespace AND p.prorettype <> 'trigger'::regtype
       AND (r.rolname IN ('anon', 'authenticated', 'service_role') OR r.rolname LIKE 'nura\\_%')
       AND r.rolname <> 'nura_owner' AND NOT r.rolsuper
       AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
    """
READS_AS_A_PERSON = """
    SELECT proname FROM pg_proc WHERE pronamespace = 'nura'::regnamespace AND prosrc ~ 'nura\\.become'
    """


async def test_a_browser_calls_none_of_our_functions(root: asyncpg.Connection) -> None:
    found = await root.fetch(CALLABLE)

    callers = {row["rolname"] for row in found}
    assert {"nura_app", "nura_writer"} <= callers
    assert callers.isdisjoint({"anon", "authenticated", "service_role"})


async def test_what_reads_as_a_person_is_called_by_the_app_alone(root: asyncpg.Connection) -> None:
    reads = {row["proname"] for row in await root.fetch(READS_AS_A_PERSON)}

    callers = {row["rolname"] for row in await root.fetch(CALLABLE) if row["proname"] in reads}

    assert {"log_after", "log_tail", "notices_of", "notices_of_many"} <= reads
    assert callers == {"nura_app"}
