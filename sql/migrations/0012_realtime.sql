-- migrate:up
-- A removal takes a seq of its own; many at once (a trim) share one, and all their client_ids stay taken. The original's
-- id and moment are kept, so that a late retry of a removed message still gets the answer it was owed.
alter table nura.tombstones
    drop constraint tombstones_pkey,
    drop constraint tombstones_conversation_id_removed_seq_key,
    add primary key (conversation_id, removed_seq),
    add column message_id varchar not null default gen_random_uuid(),
    add column committed_at timestamptz not null default now(),
    add column trimmed boolean not null default false,
    add unique (conversation_id, message_id);
alter table nura.tombstones alter column message_id drop default, alter column committed_at drop default;
create unique index tombstones_seq on nura.tombstones (conversation_id, seq) where not trimmed;

-- What retention took at once: everything below before_seq.
create table nura.trims (
    conversation_id varchar not null,
    user_id varchar not null references users (id) on delete cascade,
    seq bigint not null,
    before_seq bigint not null,
    trimmed_at timestamptz not null default now(),
    primary key (conversation_id, seq),
    foreign key (conversation_id, user_id) references conversations (id, user_id) on delete cascade,
    check (before_seq <= seq)
);
create index trims_user on nura.trims (user_id);
select nura.own_rows('nura.trims', 'user_id');

-- A device that was away asks what went while it was.
create table nura.removed_conversations (
    conversation_id varchar primary key,
    user_id varchar not null references users (id) on delete cascade,
    removed_at timestamptz not null default now()
);
create index removed_conversations_since on nura.removed_conversations (user_id, removed_at);
select nura.own_rows('nura.removed_conversations', 'user_id');

-- The lowest seq that was not trimmed away.
alter table conversations add column tail_seq bigint not null default 1;

-- What was given out is never taken back, whoever writes it.
create function nura.seqs_only_grow() returns trigger
  language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'check_violation', message = 'a seq never falls';
end $$;
create trigger seqs before update of last_seq, tail_seq on conversations for each row
  when (new.last_seq < old.last_seq or new.tail_seq < old.tail_seq)
  execute function nura.seqs_only_grow();
revoke execute on function nura.seqs_only_grow() from public;

-- What worried us stays on record when the words go: a level and the names of rules, no words.
alter table nura.crisis_events
    drop constraint crisis_events_message_id_user_id_fkey,
    add foreign key (message_id, user_id) references messages (id, user_id) on delete set null (message_id);

grant select on nura.trims, nura.removed_conversations to authenticated;
grant select (id, conversation_id, user_id, client_id, seq, created_at), delete on messages to nura_door;
grant update (last_seq, tail_seq, message_count) on conversations to nura_door;
grant select, insert on nura.tombstones, nura.trims to nura_door;
grant insert (conversation_id, user_id), select (conversation_id) on nura.removed_conversations to nura_door;
grant select (conversation_id, user_id, seq), update (seq) on nura.read_marks to nura_door;
grant insert (user_id, kind, key, frame, expires_at), select (user_id, key, acknowledged_at), update (acknowledged_at)
   on nura.notices to nura_door;

create policy batch_insert on nura.notices for insert to nura_writer with check (true);
create policy batch_read on nura.read_marks for select to nura_writer using (true);
create policy batch_insert on nura.read_marks for insert to nura_writer with check (true);
create policy batch_update on nura.read_marks for update to nura_writer using (true) with check (true);
grant insert (user_id, kind, key, frame, expires_at) on nura.notices to nura_writer;
grant select (message_id, removed_seq, committed_at) on nura.tombstones to nura_writer;
grant select (conversation_id, user_id, seq), insert (conversation_id, user_id, seq), update (seq)
   on nura.read_marks to nura_writer;

-- For the batched writer, after it holds the locks: its statement's own snapshot is older than they are.
create function nura.removed_before(p_conversation_ids text[], p_client_ids text[])
  returns table (conversation_id varchar, client_id varchar, message_id varchar, removed_seq bigint, committed_at timestamptz)
  language plpgsql volatile security invoker rows 8 set search_path = '' as $$
begin
  return query
    select t.conversation_id, t.client_id, t.message_id, t.removed_seq, t.committed_at
      from unnest(p_conversation_ids, p_client_ids) as asked (conversation_id, client_id)
      join nura.tombstones t on t.conversation_id = asked.conversation_id and t.client_id = asked.client_id;
end $$;

-- The log of a conversation: messages, removals (with the seq they took) and trims, in the order of their seqs.
create type nura.log_row as (
    seq bigint, removed_seq bigint, before_seq bigint,
    id varchar, role varchar, content text, client_id varchar, author_id varchar, created_at timestamptz
);

create function nura.log_after(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer)
  returns setof nura.log_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select * from (
      (select m.seq, null::bigint, null::bigint, m.id, m.role, m.content, m.client_id, m.author_id, m.created_at
         from public.messages m
        where m.conversation_id = p_conversation_id and m.user_id = p_user_id and m.seq > p_after
        order by m.seq limit p_limit)
      union all
      (select t.seq, t.removed_seq, null, null, null, null, null, null, t.removed_at
         from nura.tombstones t
        where t.conversation_id = p_conversation_id and t.user_id = p_user_id and t.seq > p_after and not t.trimmed
        order by t.seq limit p_limit)
      union all
      (select r.seq, null, r.before_seq, null, null, null, null, null, r.trimmed_at
         from nura.trims r
        where r.conversation_id = p_conversation_id and r.user_id = p_user_id and r.seq > p_after
        order by r.seq limit p_limit)) as entry
     order by 1 limit p_limit;
end $$;

-- Its newest end: so many entries and about so many bytes of content, at least one.
create function nura.log_tail(
    p_user_id text, p_conversation_id text, p_after bigint, p_limit integer, p_bytes integer)
  returns setof nura.log_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select w.seq, w.removed_seq, w.before_seq, w.id, w.role, w.content, w.client_id, w.author_id, w.created_at
      from (select entry.*, row_number() over (order by entry.seq desc) as place,
                   sum(octet_length(entry.content)) over (order by entry.seq desc) as bytes
              from (
                (select m.seq, null::bigint as removed_seq, null::bigint as before_seq, m.id, m.role, m.content,
                        m.client_id, m.author_id, m.created_at
                   from public.messages m
                  where m.conversation_id = p_conversation_id and m.user_id = p_user_id and m.seq > p_after
                  order by m.seq desc limit p_limit)
                union all
                (select t.seq, t.removed_seq, null, null, null, null, null, null, t.removed_at
                   from nura.tombstones t
                  where t.conversation_id = p_conversation_id and t.user_id = p_user_id and t.seq > p_after
                    and not t.trimmed
                  order by t.seq desc limit p_limit)
                union all
                (select r.seq, null, r.before_seq, null, null, null, null, null, r.trimmed_at
                   from nura.trims r
                  where r.conversation_id = p_conversation_id and r.user_id = p_user_id and r.seq > p_after
                  order by r.seq desc limit p_limit)
                order by 1 desc limit p_limit) as entry) as w
     where w.place = 1 or coalesce(w.bytes, 0) <= p_bytes
     order by w.seq;
end $$;

create function nura.conversations_removed_since(p_user_id text, p_since timestamptz)
  returns setof varchar language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select r.conversation_id from nura.removed_conversations r
     where r.user_id = p_user_id and r.removed_at >= p_since
     order by r.removed_at, r.conversation_id;
end $$;

-- The newest of what a person has not taken note of yet, the oldest of them first.
create function nura.notices_of(p_user_id text, p_limit integer)
  returns table (kind varchar, frame jsonb) language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select newest.kind, newest.frame
      from (select n.kind, n.frame, n.created_at, n.id from nura.notices n
             where n.user_id = p_user_id and n.acknowledged_at is null and n.expires_at > now()
             order by n.created_at desc, n.id desc limit p_limit) as newest
     order by newest.created_at, newest.id;
end $$;

-- The same for many at once, each with their own eyes: who of those connected to an instance has to hear again.
create function nura.notices_of_many(p_user_ids text[], p_limit integer)
  returns table (user_id varchar, kind varchar, frame jsonb) language plpgsql security invoker as $$
declare
  person varchar;
begin
  perform nura.become(null); -- as `authenticated`, which may not call it again
  foreach person in array p_user_ids loop
    perform set_config(
      'request.jwt.claims', json_build_object('sub', person, 'role', 'authenticated')::text, true);
    return query
      select person, newest.kind, newest.frame
        from (select n.kind, n.frame, n.created_at, n.id from nura.notices n
               where n.user_id = person and n.acknowledged_at is null and n.expires_at > now()
               order by n.created_at desc, n.id desc limit p_limit) as newest
       order by newest.created_at, newest.id;
  end loop;
end $$;

-- The hot reads tell where the history begins; the list hears of reading too. By name the older instances read on.
alter type nura.conversation_row add attribute tail_seq bigint;

create or replace function nura.conversations_of(
    p_user_id text, p_status text, p_changed_since timestamptz, p_before timestamptz, p_before_id text, p_limit integer)
  returns setof nura.conversation_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select c.id, c.title, c.description, coalesce(c.session_type, 'chat'), coalesce(c.status, 'active'),
           coalesce(c.crisis_level, 'none'), c.last_seq, coalesce(r.seq, 0), coalesce(c.message_count, 0),
           coalesce(c.total_duration_minutes, 0), coalesce(c.created_at, now()), coalesce(c.updated_at, now()),
           c.last_message_at, c.tail_seq
      from public.conversations c
      left join nura.read_marks r on r.conversation_id = c.id and r.user_id = c.user_id
     where c.user_id = p_user_id
       and (p_status is null or c.status = p_status)
       and (p_changed_since is null or c.updated_at >= p_changed_since or r.updated_at >= p_changed_since)
       and (p_before is null or (c.updated_at, c.id) < (p_before, p_before_id))
     order by c.updated_at desc, c.id desc limit p_limit;
end $$;

create or replace function nura.conversation_seen_by(p_user_id text, p_conversation_id text)
  returns setof nura.conversation_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select c.id, c.title, c.description, coalesce(c.session_type, 'chat'), coalesce(c.status, 'active'),
           coalesce(c.crisis_level, 'none'), c.last_seq, coalesce(r.seq, 0), coalesce(c.message_count, 0),
           coalesce(c.total_duration_minutes, 0), coalesce(c.created_at, now()), coalesce(c.updated_at, now()),
           c.last_message_at, c.tail_seq
      from public.conversations c
      left join nura.read_marks r on r.conversation_id = c.id and r.user_id = c.user_id
     where c.id = p_conversation_id and c.user_id = p_user_id;
end $$;

-- The same for many at once, each with their owner's eyes.
create function nura.conversations_seen_by(p_user_ids text[], p_conversation_ids text[])
  returns setof nura.conversation_row language plpgsql security invoker as $$
begin
  perform nura.become(null); -- as `authenticated`, which may not call it again
  for n in 1 .. coalesce(array_length(p_user_ids, 1), 0) loop
    perform set_config(
      'request.jwt.claims', json_build_object('sub', p_user_ids[n], 'role', 'authenticated')::text, true);
    return query
      select c.id, c.title, c.description, coalesce(c.session_type, 'chat'), coalesce(c.status, 'active'),
             coalesce(c.crisis_level, 'none'), c.last_seq, coalesce(r.seq, 0), coalesce(c.message_count, 0),
             coalesce(c.total_duration_minutes, 0), coalesce(c.created_at, now()), coalesce(c.updated_at, now()),
             c.last_message_at, c.tail_seq
        from public.conversations c
        left join nura.read_marks r on r.conversation_id = c.id and r.user_id = c.user_id
       where c.id = p_conversation_ids[n] and c.user_id = p_user_ids[n];
  end loop;
end $$;

revoke execute on function nura.removed_before(text[], text[]), nura.log_after(text, text, bigint, integer),
  nura.log_tail(text, text, bigint, integer, integer), nura.conversations_removed_since(text, timestamptz),
  nura.notices_of(text, integer), nura.notices_of_many(text[], integer), nura.conversations_seen_by(text[], text[])
  from public;
grant execute on function nura.removed_before(text[], text[]) to nura_writer;
grant execute on function nura.log_after(text, text, bigint, integer),
  nura.log_tail(text, text, bigint, integer, integer), nura.conversations_removed_since(text, timestamptz),
  nura.notices_of(text, integer), nura.notices_of_many(text[], integer), nura.conversations_seen_by(text[], text[])
  to nura_app;

-- migrate:down
drop function nura.conversations_seen_by(text[], text[]);
drop function nura.notices_of_many(text[], integer);
drop function nura.notices_of(text, integer);
drop function nura.conversations_removed_since(text, timestamptz);
drop function nura.log_tail(text, text, bigint, integer, integer);
drop function nura.log_after(text, text, bigint, integer);
drop type nura.log_row;
drop function nura.removed_before(text[], text[]);
alter type nura.conversation_row drop attribute tail_seq;

create or replace function nura.conversations_of(
    p_user_id text, p_status text, p_changed_since timestamptz, p_before timestamptz, p_before_id text, p_limit integer)
  returns setof nura.conversation_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select c.id, c.title, c.description, coalesce(c.session_type, 'chat'), coalesce(c.status, 'active'),
           coalesce(c.crisis_level, 'none'), c.last_seq, coalesce(r.seq, 0), coalesce(c.message_count, 0),
           coalesce(c.total_duration_minutes, 0), coalesce(c.created_at, now()), coalesce(c.updated_at, now()),
           c.last_message_at
      from public.conversations c
      left join nura.read_marks r on r.conversation_id = c.id and r.user_id = c.user_id
     where c.user_id = p_user_id
       and (p_status is null or c.status = p_status)
       and (p_changed_since is null or c.updated_at >= p_changed_since)
       and (p_before is null or (c.updated_at, c.id) < (p_before, p_before_id))
     order by c.updated_at desc, c.id desc limit p_limit;
end $$;

create or replace function nura.conversation_seen_by(p_user_id text, p_conversation_id text)
  returns setof nura.conversation_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select c.id, c.title, c.description, coalesce(c.session_type, 'chat'), coalesce(c.status, 'active'),
           coalesce(c.crisis_level, 'none'), c.last_seq, coalesce(r.seq, 0), coalesce(c.message_count, 0),
           coalesce(c.total_duration_minutes, 0), coalesce(c.created_at, now()), coalesce(c.updated_at, now()),
           c.last_message_at
      from public.conversations c
      left join nura.read_marks r on r.conversation_id = c.id and r.user_id = c.user_id
     where c.id = p_conversation_id and c.user_id = p_user_id;
end $$;

revoke all on nura.read_marks, nura.notices from nura_writer;
revoke all on nura.tombstones, nura.notices, nura.read_marks, messages from nura_door;
revoke update (last_seq, tail_seq, message_count) on conversations from nura_door;
revoke select (message_id, removed_seq, committed_at) on nura.tombstones from nura_writer;
drop policy batch_update on nura.read_marks;
drop policy batch_insert on nura.read_marks;
drop policy batch_read on nura.read_marks;
drop policy batch_insert on nura.notices;
alter table nura.crisis_events
    drop constraint crisis_events_message_id_user_id_fkey,
    add foreign key (message_id, user_id) references messages (id, user_id) on delete cascade;
drop trigger seqs on conversations;
drop function nura.seqs_only_grow();
alter table conversations drop column tail_seq;
drop table nura.removed_conversations;
drop table nura.trims;
do $$
begin
  -- rows that the older shape cannot hold
  alter table nura.tombstones no force row level security;
  delete from nura.tombstones where trimmed;
  alter table nura.tombstones force row level security;
end $$;
drop index nura.tombstones_seq;
alter table nura.tombstones
    drop constraint tombstones_pkey,
    drop column message_id, drop column committed_at, drop column trimmed,
    add primary key (conversation_id, seq),
    add unique (conversation_id, removed_seq);
delete from nura.person_tables where to_regclass(table_name) is null;
