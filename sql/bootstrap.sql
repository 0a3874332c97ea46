-- Made once by an administrator (`nura-rt migrate bootstrap --admin-dsn …`), idempotent.
-- Roles live outside any one database; on Supabase the first three and `auth` exist and stay untouched.
do $$
declare
  narrow text;
begin
  if not exists (select from pg_roles where rolname = 'anon') then create role anon nologin noinherit; end if;
  if not exists (select from pg_roles where rolname = 'authenticated') then create role authenticated nologin noinherit; end if;
  if not exists (select from pg_roles where rolname = 'service_role') then create role service_role nologin noinherit bypassrls; end if;

  -- nura_owner owns the tables; the others hold the least their work needs (sql/migrations grants it).
  foreach narrow in array array['nura_owner', 'nura_app', 'nura_door', 'nura_writer', 'nura_worker', 'nura_auth',
                                'nura_care', 'nura_erasure', 'nura_metrics', 'nura_import'] loop
    if not exists (select from pg_roles where rolname = narrow) then
      execute format('create role %I nologin noinherit nosuperuser nobypassrls', narrow);
    end if;
  end loop;
  grant authenticated to nura_app;

  -- An administrator that is no superuser hands things only to roles it may become; taken back at the end.
  if not (select rolsuper from pg_roles where rolname = current_user) then
    execute format('grant nura_owner to %I', current_user);
  end if;
end $$;

create schema if not exists nura authorization nura_owner;
grant usage, create on schema public to nura_owner;
grant usage on schema nura to nura_app, nura_door, nura_writer, nura_worker, nura_auth, nura_care, nura_erasure,
      nura_metrics, nura_import;
grant usage on schema public to authenticated, nura_app, nura_door, nura_writer, nura_worker, nura_auth, nura_care,
      nura_erasure, nura_metrics, nura_import;

-- Who is asking: Supabase's own functions where they are, the same ones where they are not.
do $$
begin
  if not exists (select from pg_namespace where nspname = 'auth') then
    create schema auth;
    grant usage on schema auth to anon, authenticated, service_role;
  end if;
  if to_regprocedure('auth.uid()') is null then
    create function auth.uid() returns uuid language sql stable as $f$
      select nullif(coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'), '')::uuid
    $f$;
  end if;
  if has_schema_privilege(current_user, 'auth', 'usage with grant option') then
    grant usage on schema auth to nura_door, nura_owner, nura_auth;
  elsif not has_schema_privilege('nura_owner', 'auth', 'usage') then
    -- Supabase's `auth` is not ours to open: the owner may name auth.uid() in policies as any visitor may.
    alter role nura_owner inherit;
    grant anon to nura_owner;
  end if;
  -- Signed out at Supabase means signed out here. Its table is under row level security without a policy for us,
  -- so a view of the administrator's (who bypasses it) shows ids and nothing else; `auth` itself stays untouched.
  if to_regclass('auth.sessions') is not null then
    create or replace view nura.supabase_sessions with (security_barrier) as select id, user_id from auth.sessions;
    grant select on nura.supabase_sessions to nura_auth;
  end if;
end $$;

do $$
begin
  if not (select rolsuper from pg_roles where rolname = current_user) then
    execute format('revoke nura_owner from %I', current_user);
  end if;
end $$;
