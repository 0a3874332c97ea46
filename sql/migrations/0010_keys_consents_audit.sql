-- migrate:up
-- Each person's own key, wrapped by the key-encryption key. Without it nothing sealed with it opens again, backups included.
create table nura.user_keys (
    user_id varchar primary key references users (id) on delete cascade,
    wrapped bytea not null,
    kek_id varchar not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create trigger touch before update on nura.user_keys for each row execute function nura.touch_updated_at();
select nura.own_rows('nura.user_keys', 'user_id');
create policy keys on nura.user_keys to nura_auth using (true) with check (true);
grant select, insert, update (wrapped, kek_id), delete on nura.user_keys to nura_auth;

-- What a person agreed to: one row each time, one in force per purpose.
create table nura.consents (
    id varchar primary key default gen_random_uuid(),
    user_id varchar not null references users (id) on delete cascade,
    purpose varchar not null,
    version varchar not null,
    source varchar not null,
    given_at timestamptz not null default now(),
    withdrawn_at timestamptz,
    check (purpose ~ '^[a-z_]{1,40}$'),
    check (withdrawn_at >= given_at)
);
create index consents_user on nura.consents (user_id);
create unique index consents_in_force on nura.consents (user_id, purpose) where withdrawn_at is null;
select nura.own_rows('nura.consents', 'user_id');
grant select on nura.consents to authenticated;
grant select, insert, update (withdrawn_at) on nura.consents to nura_door;

-- Who did what to whose rows, when: ids and words of ours only. Each row's digest covers the one before it, so that
-- nothing can be changed or left out unseen. A person's id may be erased from it; `person_digest` keeps the chain whole.
create table nura.audit_log (
    id bigint primary key, -- dense: given under the lock, in the order of the chain
    at timestamptz not null default now(),
    actor varchar not null,
    user_id varchar references users (id) on delete set null,
    person_digest bytea,
    action varchar not null,
    subject varchar,
    detail jsonb not null default '{}',
    previous bytea,
    digest bytea not null,
    check (actor in ('person', 'operator', 'system', 'staff'))
);
create index audit_log_user on nura.audit_log (user_id);
create unique index audit_log_previous on nura.audit_log (previous); -- a chain, not a tree

create function nura.audit_digest(p_row nura.audit_log) returns bytea
  language sql immutable set search_path = '' as $$
  select sha256(convert_to(jsonb_build_array(
    p_row.id, extract(epoch from p_row.at), p_row.actor, encode(p_row.person_digest, 'hex'), p_row.action, p_row.subject,
    p_row.detail, encode(p_row.previous, 'hex'))::text, 'UTF8'))
$$;

create function nura.chain_audit() returns trigger
  language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtext('nura.audit_log')); -- held to the commit: write it last
  select id, digest into new.id, new.previous from nura.audit_log order by id desc limit 1;
  new.id := coalesce(new.id, 0) + 1;
  new.previous := coalesce(new.previous, sha256(''));
  new.person_digest := sha256(convert_to(new.user_id, 'UTF8'));
  new.digest := nura.audit_digest(new);
  return new;
end $$;
create trigger chain before insert on nura.audit_log for each row execute function nura.chain_audit();
select nura.own_rows('nura.audit_log', 'user_id');
create policy append on nura.audit_log for insert to nura_auth, nura_door, nura_worker with check (true);
create policy chain on nura.audit_log for select to nura_auth, nura_door, nura_worker using (true);
grant insert (actor, user_id, action, subject, detail), select (id, digest) on nura.audit_log
   to nura_auth, nura_door, nura_worker;
grant select on nura.audit_log to authenticated;
revoke execute on function nura.audit_digest(nura.audit_log), nura.chain_audit() from public;
grant execute on function nura.audit_digest(nura.audit_log) to nura_auth, nura_door, nura_worker;

-- migrate:down
drop table nura.audit_log cascade;
drop function nura.chain_audit();
drop table nura.consents;
drop table nura.user_keys;
delete from nura.person_tables where to_regclass(table_name) is null;
