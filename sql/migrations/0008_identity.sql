-- migrate:up
alter table nura.accounts add column password_changed_at timestamptz not null default now();

-- One row for each sign-in, whoever made it; `session:{id}` in Redis is its copy. Ended, it is refused everywhere.
create table nura.sessions (
    id varchar primary key,
    user_id varchar not null references users (id) on delete cascade,
    source varchar not null,
    device varchar,
    ip_prefix varchar,
    signed_in_at timestamptz not null,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    end_reason varchar,
    unique (id, user_id),
    check (source in ('local', 'supabase')),
    check (end_reason in ('signed_out', 'revoked', 'reused', 'password', 'deleted')),
    check ((ended_at is null) = (end_reason is null))
);
create index sessions_user on nura.sessions (user_id);
create index sessions_ended on nura.sessions (ended_at) where ended_at is not null;
select nura.own_rows('nura.sessions', 'user_id');

-- Single use: a used one that comes again later ends its session. Only hashes are kept.
create table nura.refresh_tokens (
    token_hash bytea primary key,
    session_id varchar not null,
    user_id varchar not null references users (id) on delete cascade,
    issued_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    attempt_digest bytea, -- what its owner named the attempt that used it: who repeats it with that name lost the answer
    foreign key (session_id, user_id) references nura.sessions (id, user_id) on delete cascade
);
create index refresh_tokens_user on nura.refresh_tokens (user_id);
create index refresh_tokens_session on nura.refresh_tokens (session_id);
select nura.own_rows('nura.refresh_tokens', 'user_id');

-- A secret sent to an address or a number proves it (or lets its owner choose a new password). Only hashes are kept.
create table nura.verifications (
    id varchar primary key default gen_random_uuid(),
    user_id varchar not null references users (id) on delete cascade,
    purpose varchar not null,
    target varchar not null,
    secret_hash bytea not null,
    tries_left integer not null default 5,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    check (purpose in ('email', 'password', 'phone')),
    check (tries_left >= 0)
);
create index verifications_user on nura.verifications (user_id);
create unique index verifications_secret on nura.verifications (secret_hash);
select nura.own_rows('nura.verifications', 'user_id');

-- What a webhook has told already: never its body.
create table nura.webhook_inbox (
    source varchar not null,
    dedup_key varchar not null,
    kind varchar not null,
    received_at timestamptz not null default now(),
    primary key (source, dedup_key)
);
create index webhook_inbox_received on nura.webhook_inbox (received_at);

-- How far `migrate from-legacy` has come, per source table.
create table nura.legacy_imports (
    source text primary key,
    watermark timestamptz,
    last_id text,
    moved bigint not null default 0,
    updated_at timestamptz not null default now()
);
create trigger touch before update on nura.legacy_imports for each row execute function nura.touch_updated_at();

create policy sign_in on nura.sessions to nura_auth using (true) with check (true);
create policy sign_in on nura.refresh_tokens to nura_auth using (true) with check (true);
create policy sign_in on nura.verifications to nura_auth using (true) with check (true);
create policy import on users to nura_import using (true) with check (true);
create policy import on user_service_profiles to nura_import using (true) with check (true);
grant select, insert, update (device, ip_prefix, last_seen_at, signed_in_at, expires_at, ended_at, end_reason)
   on nura.sessions to nura_auth;
grant select, insert, update (used_at, attempt_digest), delete on nura.refresh_tokens to nura_auth;
grant select, insert, update (tries_left, used_at), delete on nura.verifications to nura_auth;
grant update (password_hash, password_changed_at, email) on nura.accounts to nura_auth;
grant select, insert, delete on nura.webhook_inbox to nura_auth;
-- what a token's claims and the auth webhook know of a person
grant select (phone_number, email_confirmed_at, phone_confirmed_at, last_sign_in_at, last_active_at, is_active,
              deleted_at, created_at, updated_at),
      insert (phone_number, full_name, email_confirmed_at, phone_confirmed_at, is_active, created_at),
      update (email, phone_number, display_name, email_confirmed_at, phone_confirmed_at, is_active, deleted_at)
   on users to nura_auth;
-- the import of an earlier backend's people, which no running server does
grant select, insert, update (email, phone_number, full_name, display_name, bio, avatar_url, email_confirmed_at,
              phone_confirmed_at, last_sign_in_at, last_active_at, is_active, current_streak, xp, privacy_settings)
   on users to nura_import;
grant select, insert, update (service_preferences, service_metadata, usage_stats, last_used_at)
   on user_service_profiles to nura_import;
grant select, insert, update on nura.legacy_imports to nura_import;

-- migrate:down
drop table nura.legacy_imports;
drop table nura.webhook_inbox;
drop table nura.verifications;
drop table nura.refresh_tokens;
drop table nura.sessions;
delete from nura.person_tables where to_regclass(table_name) is null;
drop policy import on user_service_profiles;
drop policy import on users;
revoke all on users, user_service_profiles from nura_import;
revoke all on users, nura.accounts from nura_auth;
grant select (id, email), insert (id, email, display_name, last_sign_in_at, last_active_at),
      update (last_sign_in_at, last_active_at) on users to nura_auth;
grant select, insert on nura.accounts to nura_auth;
alter table nura.accounts drop column password_changed_at;
