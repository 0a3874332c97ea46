-- migrate:up
-- The outbox: follow-up work written by the statement that causes it. A payload holds ids, never words.
create table nura.jobs (
    id bigint generated always as identity primary key,
    kind varchar not null,
    key varchar unique not null,
    user_id varchar references users (id) on delete cascade,
    payload jsonb not null,
    due_at timestamptz not null default now(),
    state varchar not null default 'due',
    attempt integer not null default 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error_code varchar,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    check (state in ('due', 'leased', 'done', 'dead')),
    check ((state = 'leased') = (lease_token is not null))
);
create index jobs_user on nura.jobs (user_id);
create index jobs_due on nura.jobs (due_at) where state = 'due';
create index jobs_leased on nura.jobs (lease_until) where state = 'leased';
select nura.own_rows('nura.jobs', 'user_id');

-- One reply being written. Exactly one run per message that is answered.
create table nura.reply_runs (
    id varchar primary key default gen_random_uuid(),
    message_id varchar unique not null,
    conversation_id varchar not null,
    user_id varchar not null references users (id) on delete cascade,
    state varchar not null default 'running',
    attempt integer not null default 1,
    lease_token uuid,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    reply_message_id varchar,
    foreign key (message_id, user_id) references messages (id, user_id) on delete cascade,
    foreign key (conversation_id, user_id) references conversations (id, user_id) on delete cascade,
    check (state in ('running', 'completed', 'failed', 'cancelled'))
);
create index reply_runs_user on nura.reply_runs (user_id);
create index reply_runs_conversation on nura.reply_runs (conversation_id);
select nura.own_rows('nura.reply_runs', 'user_id');

create policy batch_insert on nura.jobs for insert to nura_writer with check (true);
create policy batch_read on nura.jobs for select to nura_writer using (true);
create policy batch_finish on nura.jobs for update to nura_writer using (true) with check (true);
create policy batch_read on nura.reply_runs for select to nura_writer using (true);
create policy batch_finish on nura.reply_runs for update to nura_writer using (true) with check (true);
grant insert, select (key, state, lease_token), update (state, lease_token, lease_until, finished_at) on nura.jobs to nura_writer;
grant select (message_id, lease_token), update (state, lease_token, ended_at, reply_message_id) on nura.reply_runs to nura_writer;

create policy work on nura.jobs to nura_worker using (true) with check (true);
create policy work on nura.reply_runs to nura_worker using (true) with check (true);
grant select, update (state, due_at, attempt, lease_until, lease_token, last_error_code, finished_at) on nura.jobs to nura_worker;
grant select, insert, update (state, attempt, lease_token, started_at, ended_at, reply_message_id) on nura.reply_runs to nura_worker;

-- migrate:down
drop table nura.reply_runs;
drop table nura.jobs;
delete from nura.person_tables where to_regclass(table_name) is null;
