-- migrate:up
-- What our doors may write in a person's name, after screening (nura_door, inside `as_person`).
grant select, update (full_name, display_name, bio, avatar_url, privacy_settings) on users to nura_door;
grant select, insert (user_id, service_type, service_preferences, service_metadata),
      update (service_preferences, service_metadata) on user_service_profiles to nura_door;
grant update (title, description, status, crisis_level, safety_plan_triggered), delete on conversations to nura_door;

-- Whoever writes it: what words once gave cause for stays.
create function nura.level_only_rises() returns trigger
  language plpgsql set search_path = '' as $$
declare
  levels constant text[] := array['none', 'low', 'moderate', 'high', 'critical'];
begin
  if array_position(levels, new.crisis_level::text) < array_position(levels, old.crisis_level::text) then
    new.crisis_level := old.crisis_level;
  end if;
  new.safety_plan_triggered := new.safety_plan_triggered or old.safety_plan_triggered;
  return new;
end $$;
create trigger level before update of crisis_level, safety_plan_triggered on conversations for each row
  when (new.crisis_level is distinct from old.crisis_level
        or new.safety_plan_triggered is distinct from old.safety_plan_triggered)
  execute function nura.level_only_rises();
revoke execute on function nura.level_only_rises() from public;

-- What the server notes about the use of a service; no words.
create policy usage on user_service_profiles to nura_worker using (true) with check (true);
grant select (user_id, service_type, usage_stats, last_used_at), insert (user_id, service_type, usage_stats, last_used_at),
      update (usage_stats, last_used_at) on user_service_profiles to nura_worker;

-- How long people talk: the writer adds each pause that is still a conversation.
grant select (last_message_at, total_duration_minutes), update (total_duration_minutes) on conversations to nura_writer;

-- A browser is `authenticated` (PostgREST): it reads its own rows; it changes these columns and no other, because
-- everything else holds words, levels, counters or what such things follow from, and goes through our doors.
grant update (is_active) on schedules to authenticated;
grant update (is_archived) on memory_items to authenticated;

-- A deleted row looks for those that name it: without an index that is a walk through the whole table.
create index memory_items_conversation on memory_items (conversation_id);
create index memory_items_message on memory_items (message_id);
create index safety_contacts_contact on safety_contacts (contact_user_id);
create index call_summaries_call on call_summaries (call_id);

-- The hot reads tell more of a conversation, page by activity and hear of changes.
drop function nura.conversation_seen_by(text, text);
alter type nura.conversation_row rename to conversation_line; -- the list of two arguments stays for instances still on it
create type nura.conversation_row as (
    id varchar, title varchar, description text, session_type varchar, status varchar, crisis_level varchar,
    last_seq bigint, read_seq bigint, message_count integer, total_duration_minutes float,
    created_at timestamptz, updated_at timestamptz, last_message_at timestamptz
);

create function nura.conversations_of(
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

create function nura.conversation_seen_by(p_user_id text, p_conversation_id text)
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

revoke execute on function nura.conversations_of(text, text, timestamptz, timestamptz, text, integer),
  nura.conversation_seen_by(text, text) from public;
grant execute on function nura.conversations_of(text, text, timestamptz, timestamptz, text, integer),
  nura.conversation_seen_by(text, text) to nura_app;

-- migrate:down
drop index call_summaries_call;
drop index safety_contacts_contact;
drop index memory_items_message;
drop index memory_items_conversation;
drop function nura.conversation_seen_by(text, text);
drop function nura.conversations_of(text, text, timestamptz, timestamptz, text, integer);
drop type nura.conversation_row;
alter type nura.conversation_line rename to conversation_row;

create function nura.conversation_seen_by(p_user_id text, p_conversation_id text)
  returns setof nura.conversation_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select c.id, c.title, c.status, c.crisis_level, c.last_seq, c.message_count, c.created_at, c.last_message_at
      from public.conversations c
     where c.id = p_conversation_id and c.user_id = p_user_id;
end $$;

revoke execute on function nura.conversation_seen_by(text, text) from public;
grant execute on function nura.conversation_seen_by(text, text) to nura_app;

revoke update (is_active) on schedules from authenticated;
revoke update (is_archived) on memory_items from authenticated;
revoke select (last_message_at, total_duration_minutes), update (total_duration_minutes) on conversations from nura_writer;
revoke all on user_service_profiles from nura_worker;
drop policy usage on user_service_profiles;
drop trigger level on conversations;
drop function nura.level_only_rises();
revoke update (title, description, status, crisis_level, safety_plan_triggered), delete on conversations from nura_door;
revoke all on user_service_profiles from nura_door;
revoke all on users from nura_door;
