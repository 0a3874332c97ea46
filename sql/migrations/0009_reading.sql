-- migrate:up
-- What a removal leaves: it takes a seq of its own, so clients forget too, and the client_id stays taken for ever.
create table nura.tombstones (
    conversation_id varchar not null,
    user_id varchar not null references users (id) on delete cascade,
    seq bigint not null,
    removed_seq bigint not null,
    client_id varchar not null,
    removed_at timestamptz not null default now(),
    primary key (conversation_id, seq),
    unique (conversation_id, removed_seq),
    unique (conversation_id, client_id),
    foreign key (conversation_id, user_id) references conversations (id, user_id) on delete cascade,
    check (removed_seq < seq)
);
create index tombstones_user on nura.tombstones (user_id);
select nura.own_rows('nura.tombstones', 'user_id');

-- How far a person has read a conversation of theirs; it only grows.
create table nura.read_marks (
    conversation_id varchar not null,
    user_id varchar not null references users (id) on delete cascade,
    seq bigint not null,
    updated_at timestamptz not null default now(),
    primary key (conversation_id, user_id),
    foreign key (conversation_id, user_id) references conversations (id, user_id) on delete cascade,
    check (seq >= 0)
);
create index read_marks_user on nura.read_marks (user_id);
create trigger touch before update on nura.read_marks for each row execute function nura.touch_updated_at();
select nura.own_rows('nura.read_marks', 'user_id');

-- Frames outside a conversation that must not be missed: said again at each hello until acknowledged or expired.
create table nura.notices (
    id varchar primary key default gen_random_uuid(),
    user_id varchar not null references users (id) on delete cascade,
    kind varchar not null,
    key varchar not null,
    frame jsonb not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    acknowledged_at timestamptz,
    unique (user_id, key)
);
create index notices_waiting on nura.notices (user_id, created_at) where acknowledged_at is null;
select nura.own_rows('nura.notices', 'user_id');

alter table conversations add check (status in ('active', 'archived', 'ended')),
                          add check (session_type in ('chat', 'voice', 'checkup'));

-- Words are screened wherever they are written, in a profile as in a title.
alter table nura.crisis_events alter column conversation_id drop not null;
alter table nura.crisis_events drop constraint crisis_events_source_check,
      add constraint crisis_events_source_check check (source in ('message', 'title', 'description', 'profile'));

grant usage on schema nura to authenticated;
grant select on nura.tombstones, nura.read_marks, nura.notices to authenticated;
grant select (conversation_id, client_id, seq, removed_at) on nura.tombstones to nura_writer;
create policy batch_read on nura.tombstones for select to nura_writer using (true);

-- migrate:down
drop table nura.notices;
drop table nura.read_marks;
drop table nura.tombstones;
delete from nura.person_tables where to_regclass(table_name) is null;
revoke usage on schema nura from authenticated;
alter table conversations drop constraint conversations_status_check, drop constraint conversations_session_type_check;
do $$
begin
  -- rows that the older shape cannot hold
  alter table nura.crisis_events no force row level security;
  delete from nura.crisis_events where source not in ('message', 'title');
  alter table nura.crisis_events force row level security;
end $$;
alter table nura.crisis_events drop constraint crisis_events_source_check,
      add constraint crisis_events_source_check check (source in ('message', 'title'));
alter table nura.crisis_events alter column conversation_id set not null;
