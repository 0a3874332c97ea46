-- migrate:up
-- Which placeholder of a conversation stands for what: sealed with the person's key, so that only they get it back.
create table nura.placeholders (
    conversation_id varchar primary key,
    user_id varchar not null references users (id) on delete cascade,
    sealed text not null,
    version integer not null,
    updated_at timestamptz not null default now(),
    foreign key (conversation_id, user_id) references conversations (id, user_id) on delete cascade,
    check (sealed like 'enc1:%')
);
create index placeholders_user on nura.placeholders (user_id);
create trigger touch before update on nura.placeholders for each row execute function nura.touch_updated_at();
select nura.own_rows('nura.placeholders', 'user_id');
grant select (conversation_id, sealed, version) on nura.placeholders to authenticated;
grant insert (conversation_id, user_id, sealed, version), select (conversation_id, sealed, version), update (sealed, version)
   on nura.placeholders to nura_door;
grant select (id, conversation_id, source, indicators, created_at) on nura.crisis_events to authenticated;

-- What the screening of a conversation's next turn has to know, in one round trip: the head; what was found in the
-- latest messages and in its title; the names of the person and of who helps them; the placeholders so far.
create function nura.talk_before(p_user_id text, p_conversation_id text, p_limit integer, p_days integer)
  returns table (kind varchar, key varchar, found json, words text, number bigint)
  language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select 'head'::varchar, null::varchar, null::json, null::text, c.last_seq
      from public.conversations c where c.id = p_conversation_id and c.user_id = p_user_id
    union all
    (select m.role, m.client_id, m.crisis_indicators, null, m.seq
       from public.messages m
      where m.conversation_id = p_conversation_id and m.user_id = p_user_id
        and m.created_at > now() - make_interval(days => p_days)
      order by m.seq desc limit p_limit)
    union all
    (select 'user', e.id, e.indicators, null, 0
       from nura.crisis_events e
      where e.conversation_id = p_conversation_id
        and e.source in ('title', 'description') and e.created_at > now() - make_interval(days => p_days)
      order by e.created_at desc limit 4)
    union all
    select 'name', null, null, name, null
      from public.users u, unnest(array[u.full_name, u.display_name]) as name
     where u.id = p_user_id and name is not null
    union all
    select 'name', null, null, concat_ws(' ', s.external_first_name, s.external_last_name), null
      from public.safety_contacts s
     where s.user_id = p_user_id and coalesce(s.external_first_name, s.external_last_name) is not null
    union all
    select 'placeholders', null, null, p.sealed, p.version
      from nura.placeholders p where p.conversation_id = p_conversation_id;
end $$;
revoke execute on function nura.talk_before(text, text, integer, integer) from public;
grant execute on function nura.talk_before(text, text, integer, integer) to nura_app;

-- migrate:down
drop function nura.talk_before(text, text, integer, integer);
revoke select (id, conversation_id, source, indicators, created_at) on nura.crisis_events from authenticated;
drop table nura.placeholders;
delete from nura.person_tables where to_regclass(table_name) is null;
