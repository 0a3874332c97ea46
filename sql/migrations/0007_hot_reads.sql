-- migrate:up
-- Four hot reads, each one round trip: the function becomes the person for its own transaction, then asks.
-- SECURITY INVOKER: the caller must be allowed to become `authenticated`, and row level security applies.
create function nura.become(p_user_id text) returns void
  language plpgsql security invoker set search_path = '' as $$
begin
  perform set_config('role', 'authenticated', true),
          set_config('request.jwt.claims', json_build_object('sub', p_user_id, 'role', 'authenticated')::text, true);
end $$;

create type nura.message_row as (
    id varchar, conversation_id varchar, seq bigint, role varchar, content text, processed_content text,
    client_id varchar, author_id varchar, created_at timestamptz
);

-- For replay, which never needs the processed text: it is left out and not carried over the wire.
create function nura.messages_after(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer)
  returns setof nura.message_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select m.id, m.conversation_id, m.seq, m.role, m.content, null::text, m.client_id, m.author_id, m.created_at
      from public.messages m
     where m.conversation_id = p_conversation_id and m.user_id = p_user_id and m.seq > p_after
     order by m.seq limit p_limit;
end $$;

create function nura.messages_before(p_user_id text, p_conversation_id text, p_before bigint, p_limit integer)
  returns setof nura.message_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select m.id, m.conversation_id, m.seq, m.role, m.content, m.processed_content, m.client_id, m.author_id, m.created_at
      from public.messages m
     where m.conversation_id = p_conversation_id and m.user_id = p_user_id and m.seq < p_before
     order by m.seq desc limit p_limit;
end $$;

create type nura.conversation_row as (
    id varchar, title varchar, status varchar, crisis_level varchar, last_seq bigint, message_count integer,
    created_at timestamptz, last_message_at timestamptz
);

create function nura.conversations_of(p_user_id text, p_limit integer)
  returns setof nura.conversation_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select c.id, c.title, c.status, c.crisis_level, c.last_seq, c.message_count, c.created_at, c.last_message_at
      from public.conversations c
     where c.user_id = p_user_id
     order by c.updated_at desc, c.id limit p_limit;
end $$;

create function nura.conversation_seen_by(p_user_id text, p_conversation_id text)
  returns setof nura.conversation_row language plpgsql security invoker as $$
begin
  perform nura.become(p_user_id);
  return query
    select c.id, c.title, c.status, c.crisis_level, c.last_seq, c.message_count, c.created_at, c.last_message_at
      from public.conversations c
     where c.id = p_conversation_id and c.user_id = p_user_id;
end $$;

revoke execute on all functions in schema nura from public;
grant execute on function nura.become(text), nura.messages_after(text, text, bigint, integer),
  nura.messages_before(text, text, bigint, integer), nura.conversations_of(text, integer),
  nura.conversation_seen_by(text, text) to nura_app;

-- migrate:down
drop function nura.conversation_seen_by(text, text);
drop function nura.conversations_of(text, integer);
drop type nura.conversation_row;
drop function nura.messages_before(text, text, bigint, integer);
drop function nura.messages_after(text, text, bigint, integer);
drop type nura.message_row;
drop function nura.become(text);
