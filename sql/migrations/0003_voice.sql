-- migrate:up
create table voices (
    id varchar primary key default uuid_generate_v4(),
    name varchar not null,
    assistant_id varchar unique not null,
    description text,
    sample_url varchar,
    is_active boolean default true,
    created_at timestamptz default now()
);

create table voice_calls (
    id varchar primary key default uuid_generate_v4(),
    vapi_call_id varchar unique,
    user_id varchar not null references users (id) on delete cascade,
    assistant_id varchar not null references voices (assistant_id),
    channel varchar,
    status varchar default 'pending',
    phone_number varchar,
    started_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz default now(),
    cost_total decimal(10, 4),
    cost_breakdown json,
    unique (id, user_id)
);
create index idx_voice_calls_user on voice_calls (user_id);
select nura.own_rows('voice_calls', 'user_id');

-- Summaries only: the words of a call are kept nowhere.
create table call_summaries (
    id varchar primary key default uuid_generate_v4(),
    call_id varchar not null references voice_calls (id) on delete cascade,
    user_id varchar not null references users (id) on delete cascade,
    summary_json json not null,
    duration_seconds integer,
    sentiment varchar,
    key_topics json default '[]',
    action_items json default '[]',
    crisis_indicators json default '{}',
    emotional_state varchar,
    created_at timestamptz default now(),
    foreign key (call_id, user_id) references voice_calls (id, user_id) on delete cascade
);
create index idx_call_summaries_user on call_summaries (user_id);
select nura.own_rows('call_summaries', 'user_id');

alter table voices enable row level security;
alter table voices force row level security;
create policy everyone_reads on voices for select to authenticated using (true);
grant select on voices, voice_calls, call_summaries to authenticated;

-- migrate:down
drop table call_summaries;
drop table voice_calls;
drop table voices;
delete from nura.person_tables where to_regclass(table_name) is null;
