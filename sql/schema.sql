-- What the migrations add up to. Made by `make schema`; a test fails when it is out of date.

CREATE SCHEMA nura;

CREATE TYPE nura.conversation_line AS (
    id varchar,
    title varchar,
    status varchar,
    crisis_level varchar,
    last_seq bigint,
    message_count integer,
    created_at timestamptz,
    last_message_at timestamptz
);

CREATE TYPE nura.conversation_row AS (
    id varchar,
    title varchar,
    description text,
    session_type varchar,
    status varchar,
    crisis_level varchar,
    last_seq bigint,
    read_seq bigint,
    message_count integer,
    total_duration_minutes double precision,
    created_at timestamptz,
    updated_at timestamptz,
    last_message_at timestamptz,
    tail_seq bigint
);

CREATE TYPE nura.log_row AS (
    seq bigint,
    removed_seq bigint,
    before_seq bigint,
    id varchar,
    role varchar,
    content text,
    client_id varchar,
    author_id varchar,
    created_at timestamptz
);

CREATE TYPE nura.message_row AS (
    id varchar,
    conversation_id varchar,
    seq bigint,
    role varchar,
    content text,
    processed_content text,
    client_id varchar,
    author_id varchar,
    created_at timestamptz
);

CREATE FUNCTION nura.audit_digest(p_row nura.audit_log) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
  select sha256(convert_to(jsonb_build_array(
    p_row.id, extract(epoch from p_row.at), p_row.actor, encode(p_row.person_digest, 'hex'), p_row.action, p_row.subject,
    p_row.detail, encode(p_row.previous, 'hex'))::text, 'UTF8'))
$$;

CREATE FUNCTION nura.become(p_user_id text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
  perform set_config('role', 'authenticated', true),
          set_config('request.jwt.claims', json_build_object('sub', p_user_id, 'role', 'authenticated')::text, true);
end $$;

CREATE FUNCTION nura.chain_audit() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
  perform pg_advisory_xact_lock(hashtext('nura.audit_log')); -- held to the commit: write it last
  select id, digest into new.id, new.previous from nura.audit_log order by id desc limit 1;
  new.id := coalesce(new.id, 0) + 1;
  new.previous := coalesce(new.previous, sha256(''));
  new.person_digest := sha256(convert_to(new.user_id, 'UTF8'));
  new.digest := nura.audit_digest(new);
  return new;
end $$;

CREATE FUNCTION nura.conversation_seen_by(p_user_id text, p_conversation_id text) RETURNS SETOF nura.conversation_row
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION nura.conversations_of(p_user_id text, p_limit integer) RETURNS SETOF nura.conversation_line
    LANGUAGE plpgsql
    AS $$
begin
  perform nura.become(p_user_id);
  return query
    select c.id, c.title, c.status, c.crisis_level, c.last_seq, c.message_count, c.created_at, c.last_message_at
      from public.conversations c
     where c.user_id = p_user_id
     order by c.updated_at desc, c.id limit p_limit;
end $$;

CREATE FUNCTION nura.conversations_of(p_user_id text, p_status text, p_changed_since timestamptz, p_before timestamptz, p_before_id text, p_limit integer) RETURNS SETOF nura.conversation_row
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION nura.conversations_removed_since(p_user_id text, p_since timestamptz) RETURNS SETOF varchar
    LANGUAGE plpgsql
    AS $$
begin
  perform nura.become(p_user_id);
  return query
    select r.conversation_id from nura.removed_conversations r
     where r.user_id = p_user_id and r.removed_at >= p_since
     order by r.removed_at, r.conversation_id;
end $$;

CREATE FUNCTION nura.conversations_seen_by(p_user_ids text[], p_conversation_ids text[]) RETURNS SETOF nura.conversation_row
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION nura.level_only_rises() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  levels constant text[] := array['none', 'low', 'moderate', 'high', 'critical'];
begin
  if array_position(levels, new.crisis_level::text) < array_position(levels, old.crisis_level::text) then
    new.crisis_level := old.crisis_level;
  end if;
  new.safety_plan_triggered := new.safety_plan_triggered or old.safety_plan_triggered;
  return new;
end $$;

CREATE FUNCTION nura.log_after(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer) RETURNS SETOF nura.log_row
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION nura.log_tail(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer, p_bytes integer) RETURNS SETOF nura.log_row
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION nura.messages_after(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer) RETURNS SETOF nura.message_row
    LANGUAGE plpgsql
    AS $$
begin
  perform nura.become(p_user_id);
  return query
    select m.id, m.conversation_id, m.seq, m.role, m.content, null::text, m.client_id, m.author_id, m.created_at
      from public.messages m
     where m.conversation_id = p_conversation_id and m.user_id = p_user_id and m.seq > p_after
     order by m.seq limit p_limit;
end $$;

CREATE FUNCTION nura.messages_before(p_user_id text, p_conversation_id text, p_before bigint, p_limit integer) RETURNS SETOF nura.message_row
    LANGUAGE plpgsql
    AS $$
begin
  perform nura.become(p_user_id);
  return query
    select m.id, m.conversation_id, m.seq, m.role, m.content, m.processed_content, m.client_id, m.author_id, m.created_at
      from public.messages m
     where m.conversation_id = p_conversation_id and m.user_id = p_user_id and m.seq < p_before
     order by m.seq desc limit p_limit;
end $$;

CREATE FUNCTION nura.notices_of(p_user_id text, p_limit integer) RETURNS TABLE(kind varchar, frame jsonb)
    LANGUAGE plpgsql
    AS $$
begin
  perform nura.become(p_user_id);
  return query
    select newest.kind, newest.frame
      from (select n.kind, n.frame, n.created_at, n.id from nura.notices n
             where n.user_id = p_user_id and n.acknowledged_at is null and n.expires_at > now()
             order by n.created_at desc, n.id desc limit p_limit) as newest
     order by newest.created_at, newest.id;
end $$;

CREATE FUNCTION nura.notices_of_many(p_user_ids text[], p_limit integer) RETURNS TABLE(user_id varchar, kind varchar, frame jsonb)
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION nura.own_rows(p_table regclass, p_owner_column text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format('alter table %s force row level security', p_table);
  execute format(
    'create policy own_rows on %s to authenticated, nura_door
       using (%I = (select auth.uid())::text) with check (%I = (select auth.uid())::text)',
    p_table, p_owner_column, p_owner_column);
  insert into nura.person_tables values (p_table::text, p_owner_column);
end $$;

CREATE FUNCTION nura.removed_before(p_conversation_ids text[], p_client_ids text[]) RETURNS TABLE(conversation_id varchar, client_id varchar, message_id varchar, removed_seq bigint, committed_at timestamptz)
    LANGUAGE plpgsql ROWS 8
    SET search_path TO ''
    AS $$
begin
  return query
    select t.conversation_id, t.client_id, t.message_id, t.removed_seq, t.committed_at
      from unnest(p_conversation_ids, p_client_ids) as asked (conversation_id, client_id)
      join nura.tombstones t on t.conversation_id = asked.conversation_id and t.client_id = asked.client_id;
end $$;

CREATE FUNCTION nura.seqs_only_grow() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
  raise exception using errcode = 'check_violation', message = 'a seq never falls';
end $$;

CREATE FUNCTION nura.talk_before(p_user_id text, p_conversation_id text, p_limit integer, p_days integer) RETURNS TABLE(kind varchar, key varchar, found json, words text, number bigint)
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION nura.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
  new.updated_at := now();
  return new;
end $$;

CREATE FUNCTION public.uuid_generate_v4() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    AS $$select gen_random_uuid()$$;

GRANT USAGE ON SCHEMA nura TO nura_app;
GRANT USAGE ON SCHEMA nura TO nura_door;
GRANT USAGE ON SCHEMA nura TO nura_writer;
GRANT USAGE ON SCHEMA nura TO nura_worker;
GRANT USAGE ON SCHEMA nura TO nura_auth;
GRANT USAGE ON SCHEMA nura TO nura_care;
GRANT USAGE ON SCHEMA nura TO nura_erasure;
GRANT USAGE ON SCHEMA nura TO nura_metrics;
GRANT USAGE ON SCHEMA nura TO nura_import;
GRANT USAGE ON SCHEMA nura TO authenticated;

GRANT ALL ON SCHEMA public TO nura_owner;
GRANT USAGE ON SCHEMA public TO authenticated;
GRANT USAGE ON SCHEMA public TO nura_app;
GRANT USAGE ON SCHEMA public TO nura_door;
GRANT USAGE ON SCHEMA public TO nura_writer;
GRANT USAGE ON SCHEMA public TO nura_worker;
GRANT USAGE ON SCHEMA public TO nura_auth;
GRANT USAGE ON SCHEMA public TO nura_care;
GRANT USAGE ON SCHEMA public TO nura_erasure;
GRANT USAGE ON SCHEMA public TO nura_metrics;
GRANT USAGE ON SCHEMA public TO nura_import;

REVOKE ALL ON FUNCTION nura.audit_digest(p_row nura.audit_log) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.audit_digest(p_row nura.audit_log) TO nura_auth;
GRANT ALL ON FUNCTION nura.audit_digest(p_row nura.audit_log) TO nura_door;
GRANT ALL ON FUNCTION nura.audit_digest(p_row nura.audit_log) TO nura_worker;

REVOKE ALL ON FUNCTION nura.become(p_user_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.become(p_user_id text) TO nura_app;

REVOKE ALL ON FUNCTION nura.chain_audit() FROM PUBLIC;

REVOKE ALL ON FUNCTION nura.conversation_seen_by(p_user_id text, p_conversation_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.conversation_seen_by(p_user_id text, p_conversation_id text) TO nura_app;

REVOKE ALL ON FUNCTION nura.conversations_of(p_user_id text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.conversations_of(p_user_id text, p_limit integer) TO nura_app;

REVOKE ALL ON FUNCTION nura.conversations_of(p_user_id text, p_status text, p_changed_since timestamptz, p_before timestamptz, p_before_id text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.conversations_of(p_user_id text, p_status text, p_changed_since timestamptz, p_before timestamptz, p_before_id text, p_limit integer) TO nura_app;

REVOKE ALL ON FUNCTION nura.conversations_removed_since(p_user_id text, p_since timestamptz) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.conversations_removed_since(p_user_id text, p_since timestamptz) TO nura_app;

REVOKE ALL ON FUNCTION nura.conversations_seen_by(p_user_ids text[], p_conversation_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.conversations_seen_by(p_user_ids text[], p_conversation_ids text[]) TO nura_app;

REVOKE ALL ON FUNCTION nura.level_only_rises() FROM PUBLIC;

REVOKE ALL ON FUNCTION nura.log_after(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.log_after(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer) TO nura_app;

REVOKE ALL ON FUNCTION nura.log_tail(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer, p_bytes integer) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.log_tail(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer, p_bytes integer) TO nura_app;

REVOKE ALL ON FUNCTION nura.messages_after(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.messages_after(p_user_id text, p_conversation_id text, p_after bigint, p_limit integer) TO nura_app;

REVOKE ALL ON FUNCTION nura.messages_before(p_user_id text, p_conversation_id text, p_before bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.messages_before(p_user_id text, p_conversation_id text, p_before bigint, p_limit integer) TO nura_app;

REVOKE ALL ON FUNCTION nura.notices_of(p_user_id text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.notices_of(p_user_id text, p_limit integer) TO nura_app;

REVOKE ALL ON FUNCTION nura.notices_of_many(p_user_ids text[], p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.notices_of_many(p_user_ids text[], p_limit integer) TO nura_app;

REVOKE ALL ON FUNCTION nura.own_rows(p_table regclass, p_owner_column text) FROM PUBLIC;

REVOKE ALL ON FUNCTION nura.removed_before(p_conversation_ids text[], p_client_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.removed_before(p_conversation_ids text[], p_client_ids text[]) TO nura_writer;

REVOKE ALL ON FUNCTION nura.seqs_only_grow() FROM PUBLIC;

REVOKE ALL ON FUNCTION nura.talk_before(p_user_id text, p_conversation_id text, p_limit integer, p_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION nura.talk_before(p_user_id text, p_conversation_id text, p_limit integer, p_days integer) TO nura_app;

REVOKE ALL ON FUNCTION nura.touch_updated_at() FROM PUBLIC;

-- public.badges
CREATE TABLE public.badges (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    name varchar NOT NULL,
    description text,
    icon_url varchar,
    xp_award integer DEFAULT 0,
    criteria json DEFAULT '{}'::json,
    is_active boolean DEFAULT true,
    created_at timestamptz DEFAULT now()
);
ALTER TABLE ONLY public.badges FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.badges ADD CONSTRAINT badges_pkey PRIMARY KEY (id);
ALTER TABLE public.badges ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyone_reads ON public.badges FOR SELECT TO authenticated USING (true);
GRANT SELECT ON TABLE public.badges TO authenticated;

-- public.call_summaries
CREATE TABLE public.call_summaries (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    call_id varchar NOT NULL,
    user_id varchar NOT NULL,
    summary_json json NOT NULL,
    duration_seconds integer,
    sentiment varchar,
    key_topics json DEFAULT '[]'::json,
    action_items json DEFAULT '[]'::json,
    crisis_indicators json DEFAULT '{}'::json,
    emotional_state varchar,
    created_at timestamptz DEFAULT now()
);
ALTER TABLE ONLY public.call_summaries FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.call_summaries ADD CONSTRAINT call_summaries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.call_summaries ADD CONSTRAINT call_summaries_call_id_fkey FOREIGN KEY (call_id) REFERENCES public.voice_calls(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.call_summaries ADD CONSTRAINT call_summaries_call_id_user_id_fkey FOREIGN KEY (call_id, user_id) REFERENCES public.voice_calls(id, user_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.call_summaries ADD CONSTRAINT call_summaries_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX call_summaries_call ON public.call_summaries USING btree (call_id);
CREATE INDEX idx_call_summaries_user ON public.call_summaries USING btree (user_id);
ALTER TABLE public.call_summaries ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON public.call_summaries TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE public.call_summaries TO authenticated;

-- public.conversations
CREATE TABLE public.conversations (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    user_id varchar NOT NULL,
    title varchar,
    description text,
    session_type varchar DEFAULT 'chat'::varchar,
    status varchar DEFAULT 'active'::varchar,
    crisis_level varchar DEFAULT 'none'::varchar,
    safety_plan_triggered boolean DEFAULT false,
    message_count integer DEFAULT 0,
    total_duration_minutes double precision DEFAULT 0.0,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    last_message_at timestamptz,
    last_seq bigint DEFAULT 0 NOT NULL,
    client_id varchar,
    tail_seq bigint DEFAULT 1 NOT NULL,
    CONSTRAINT conversations_crisis_level_check CHECK (((crisis_level)::text = ANY ((ARRAY['none'::varchar, 'low'::varchar, 'moderate'::varchar, 'high'::varchar, 'critical'::varchar])::text[]))),
    CONSTRAINT conversations_session_type_check CHECK (((session_type)::text = ANY ((ARRAY['chat'::varchar, 'voice'::varchar, 'checkup'::varchar])::text[]))),
    CONSTRAINT conversations_status_check CHECK (((status)::text = ANY ((ARRAY['active'::varchar, 'archived'::varchar, 'ended'::varchar])::text[])))
);
ALTER TABLE ONLY public.conversations FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.conversations ADD CONSTRAINT conversations_id_user_id_key UNIQUE (id, user_id);
ALTER TABLE ONLY public.conversations ADD CONSTRAINT conversations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.conversations ADD CONSTRAINT conversations_user_id_client_id_key UNIQUE (user_id, client_id);
ALTER TABLE ONLY public.conversations ADD CONSTRAINT conversations_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX idx_conversations_user_updated ON public.conversations USING btree (user_id, updated_at);
CREATE TRIGGER level BEFORE UPDATE OF crisis_level, safety_plan_triggered ON public.conversations FOR EACH ROW WHEN ((((new.crisis_level)::text IS DISTINCT FROM (old.crisis_level)::text) OR (new.safety_plan_triggered IS DISTINCT FROM old.safety_plan_triggered))) EXECUTE FUNCTION nura.level_only_rises();
CREATE TRIGGER seqs BEFORE UPDATE OF last_seq, tail_seq ON public.conversations FOR EACH ROW WHEN (((new.last_seq < old.last_seq) OR (new.tail_seq < old.tail_seq))) EXECUTE FUNCTION nura.seqs_only_grow();
CREATE TRIGGER touch BEFORE UPDATE ON public.conversations FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE public.conversations ENABLE ROW LEVEL SECURITY;
CREATE POLICY batch_read ON public.conversations FOR SELECT TO nura_writer USING (true);
CREATE POLICY batch_update ON public.conversations FOR UPDATE TO nura_writer USING (true) WITH CHECK (true);
CREATE POLICY own_rows ON public.conversations TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE public.conversations TO authenticated;
GRANT SELECT,INSERT,DELETE ON TABLE public.conversations TO nura_door;
GRANT SELECT (crisis_level, id, last_message_at, last_seq, message_count, safety_plan_triggered, total_duration_minutes, user_id) ON TABLE public.conversations TO nura_writer;
GRANT UPDATE (crisis_level, description, last_seq, message_count, safety_plan_triggered, status, tail_seq, title) ON TABLE public.conversations TO nura_door;
GRANT UPDATE (crisis_level, last_message_at, last_seq, message_count, safety_plan_triggered, total_duration_minutes) ON TABLE public.conversations TO nura_writer;

-- public.generated_images
CREATE TABLE public.generated_images (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    user_id varchar NOT NULL,
    name varchar,
    prompt text NOT NULL,
    image_data text NOT NULL,
    image_format varchar DEFAULT 'png'::varchar,
    metadata jsonb DEFAULT '{}'::jsonb,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
ALTER TABLE ONLY public.generated_images FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.generated_images ADD CONSTRAINT generated_images_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.generated_images ADD CONSTRAINT generated_images_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX idx_generated_images_created ON public.generated_images USING btree (created_at);
CREATE INDEX idx_generated_images_user ON public.generated_images USING btree (user_id);
CREATE TRIGGER touch BEFORE UPDATE ON public.generated_images FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE public.generated_images ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON public.generated_images TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE public.generated_images TO authenticated;

-- public.memory_items
CREATE TABLE public.memory_items (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    user_id varchar NOT NULL,
    conversation_id varchar,
    message_id varchar,
    content text NOT NULL,
    processed_content text,
    memory_type varchar NOT NULL,
    storage_type varchar DEFAULT 'short_term'::varchar,
    significance_level varchar DEFAULT 'low'::varchar,
    significance_category varchar,
    relevance_score double precision DEFAULT 0.0,
    stability_score double precision DEFAULT 0.0,
    explicitness_score double precision DEFAULT 0.0,
    composite_score double precision DEFAULT 0.0,
    embedding json,
    pii_detected json DEFAULT '{}'::json,
    user_consent json DEFAULT '{}'::json,
    anonymized_version text,
    extraction_metadata json DEFAULT '{}'::json,
    tags json DEFAULT '[]'::json,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    last_accessed_at timestamptz,
    is_active boolean DEFAULT true,
    is_archived boolean DEFAULT false
);
ALTER TABLE ONLY public.memory_items FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.memory_items ADD CONSTRAINT memory_items_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.memory_items ADD CONSTRAINT memory_items_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES public.conversations(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.memory_items ADD CONSTRAINT memory_items_conversation_id_user_id_fkey FOREIGN KEY (conversation_id, user_id) REFERENCES public.conversations(id, user_id) ON DELETE SET NULL (conversation_id);
ALTER TABLE ONLY public.memory_items ADD CONSTRAINT memory_items_message_id_fkey FOREIGN KEY (message_id) REFERENCES public.messages(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.memory_items ADD CONSTRAINT memory_items_message_id_user_id_fkey FOREIGN KEY (message_id, user_id) REFERENCES public.messages(id, user_id) ON DELETE SET NULL (message_id);
ALTER TABLE ONLY public.memory_items ADD CONSTRAINT memory_items_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX idx_memory_items_storage_type ON public.memory_items USING btree (storage_type);
CREATE INDEX idx_memory_items_type ON public.memory_items USING btree (memory_type);
CREATE INDEX idx_memory_items_user ON public.memory_items USING btree (user_id);
CREATE INDEX memory_items_conversation ON public.memory_items USING btree (conversation_id);
CREATE INDEX memory_items_message ON public.memory_items USING btree (message_id);
CREATE TRIGGER touch BEFORE UPDATE ON public.memory_items FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE public.memory_items ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON public.memory_items TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE public.memory_items TO authenticated;
GRANT UPDATE (is_archived) ON TABLE public.memory_items TO authenticated;

-- public.messages
CREATE TABLE public.messages (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    conversation_id varchar NOT NULL,
    user_id varchar NOT NULL,
    content text NOT NULL,
    role varchar NOT NULL,
    message_type varchar DEFAULT 'text'::varchar,
    processed_content text,
    pii_detected json DEFAULT '{}'::json,
    sentiment_score double precision,
    crisis_indicators json DEFAULT '{}'::json,
    requires_intervention boolean DEFAULT false,
    memory_extracted boolean DEFAULT false,
    memory_items_created json DEFAULT '[]'::json,
    response_time_ms integer,
    model_used varchar,
    tokens_used integer,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    seq bigint NOT NULL,
    client_id varchar NOT NULL,
    author_id varchar,
    CONSTRAINT messages_role_check CHECK (((role)::text = ANY ((ARRAY['user'::varchar, 'assistant'::varchar, 'system'::varchar])::text[])))
);
ALTER TABLE ONLY public.messages FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.messages ADD CONSTRAINT messages_conversation_id_client_id_key UNIQUE (conversation_id, client_id);
ALTER TABLE ONLY public.messages ADD CONSTRAINT messages_conversation_id_seq_key UNIQUE (conversation_id, seq);
ALTER TABLE ONLY public.messages ADD CONSTRAINT messages_id_user_id_key UNIQUE (id, user_id);
ALTER TABLE ONLY public.messages ADD CONSTRAINT messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.messages ADD CONSTRAINT messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES public.conversations(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.messages ADD CONSTRAINT messages_conversation_id_user_id_fkey FOREIGN KEY (conversation_id, user_id) REFERENCES public.conversations(id, user_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.messages ADD CONSTRAINT messages_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX idx_messages_conversation ON public.messages USING btree (conversation_id);
CREATE INDEX idx_messages_created ON public.messages USING btree (created_at);
CREATE INDEX idx_messages_user ON public.messages USING btree (user_id);
CREATE TRIGGER touch BEFORE UPDATE ON public.messages FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY batch_insert ON public.messages FOR INSERT TO nura_writer WITH CHECK (true);
CREATE POLICY batch_read ON public.messages FOR SELECT TO nura_writer USING (true);
CREATE POLICY own_rows ON public.messages TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT DELETE ON TABLE public.messages TO nura_door;
GRANT INSERT ON TABLE public.messages TO nura_writer;
GRANT SELECT ON TABLE public.messages TO authenticated;
GRANT SELECT (client_id, conversation_id, created_at, id, seq, user_id) ON TABLE public.messages TO nura_door;
GRANT SELECT (client_id, conversation_id, created_at, id, seq) ON TABLE public.messages TO nura_writer;

-- public.safety_contacts
CREATE TABLE public.safety_contacts (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    user_id varchar NOT NULL,
    contact_user_id varchar,
    external_first_name varchar,
    external_last_name varchar,
    external_phone_number varchar,
    external_email varchar,
    priority_order integer NOT NULL,
    allowed_communication_methods json NOT NULL,
    preferred_communication_method varchar NOT NULL,
    relationship_type varchar,
    notes text,
    preferred_contact_time varchar,
    timezone varchar DEFAULT 'UTC'::varchar,
    is_active boolean DEFAULT true,
    is_emergency_contact boolean DEFAULT false,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    last_contacted_at timestamptz,
    last_contact_method varchar,
    last_contact_successful boolean,
    custom_metadata json DEFAULT '{}'::json
);
ALTER TABLE ONLY public.safety_contacts FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.safety_contacts ADD CONSTRAINT safety_contacts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.safety_contacts ADD CONSTRAINT safety_contacts_contact_user_id_fkey FOREIGN KEY (contact_user_id) REFERENCES public.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.safety_contacts ADD CONSTRAINT safety_contacts_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX idx_safety_contacts_priority ON public.safety_contacts USING btree (user_id, priority_order);
CREATE INDEX idx_safety_contacts_user ON public.safety_contacts USING btree (user_id);
CREATE INDEX safety_contacts_contact ON public.safety_contacts USING btree (contact_user_id);
CREATE TRIGGER touch BEFORE UPDATE ON public.safety_contacts FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE public.safety_contacts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON public.safety_contacts TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE public.safety_contacts TO authenticated;

-- public.schedules
CREATE TABLE public.schedules (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    user_id varchar NOT NULL,
    name varchar NOT NULL,
    description text,
    schedule_type varchar NOT NULL,
    cron_expression varchar NOT NULL,
    timezone varchar DEFAULT 'UTC'::varchar,
    next_run_at timestamptz NOT NULL,
    last_run_at timestamptz,
    reminder_method varchar NOT NULL,
    phone_number varchar,
    email varchar,
    assistant_id varchar,
    is_active boolean DEFAULT true,
    custom_metadata json DEFAULT '{}'::json,
    context_summary text,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
ALTER TABLE ONLY public.schedules FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.schedules ADD CONSTRAINT schedules_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.schedules ADD CONSTRAINT schedules_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX schedules_user ON public.schedules USING btree (user_id);
CREATE TRIGGER touch BEFORE UPDATE ON public.schedules FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE public.schedules ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON public.schedules TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE public.schedules TO authenticated;
GRANT UPDATE (is_active) ON TABLE public.schedules TO authenticated;

-- public.user_badges
CREATE TABLE public.user_badges (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    user_id varchar NOT NULL,
    badge_id varchar NOT NULL,
    earned_at timestamptz DEFAULT now()
);
ALTER TABLE ONLY public.user_badges FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.user_badges ADD CONSTRAINT user_badges_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.user_badges ADD CONSTRAINT user_badges_user_id_badge_id_key UNIQUE (user_id, badge_id);
ALTER TABLE ONLY public.user_badges ADD CONSTRAINT user_badges_badge_id_fkey FOREIGN KEY (badge_id) REFERENCES public.badges(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.user_badges ADD CONSTRAINT user_badges_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE public.user_badges ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON public.user_badges TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE public.user_badges TO authenticated;

-- public.user_service_profiles
CREATE TABLE public.user_service_profiles (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    user_id varchar NOT NULL,
    service_type varchar NOT NULL,
    service_preferences json DEFAULT '{}'::json,
    service_metadata json DEFAULT '{}'::json,
    usage_stats json DEFAULT '{}'::json,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    last_used_at timestamptz
);
ALTER TABLE ONLY public.user_service_profiles FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.user_service_profiles ADD CONSTRAINT user_service_profiles_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.user_service_profiles ADD CONSTRAINT user_service_profiles_user_id_service_type_key UNIQUE (user_id, service_type);
ALTER TABLE ONLY public.user_service_profiles ADD CONSTRAINT user_service_profiles_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE TRIGGER touch BEFORE UPDATE ON public.user_service_profiles FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE public.user_service_profiles ENABLE ROW LEVEL SECURITY;
CREATE POLICY import ON public.user_service_profiles TO nura_import USING (true) WITH CHECK (true);
CREATE POLICY own_rows ON public.user_service_profiles TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
CREATE POLICY usage ON public.user_service_profiles TO nura_worker USING (true) WITH CHECK (true);
GRANT SELECT ON TABLE public.user_service_profiles TO authenticated;
GRANT SELECT ON TABLE public.user_service_profiles TO nura_door;
GRANT SELECT,INSERT ON TABLE public.user_service_profiles TO nura_import;
GRANT INSERT (service_metadata, service_preferences, service_type, user_id) ON TABLE public.user_service_profiles TO nura_door;
GRANT INSERT (last_used_at, service_type, usage_stats, user_id) ON TABLE public.user_service_profiles TO nura_worker;
GRANT SELECT (last_used_at, service_type, usage_stats, user_id) ON TABLE public.user_service_profiles TO nura_worker;
GRANT UPDATE (service_metadata, service_preferences) ON TABLE public.user_service_profiles TO nura_door;
GRANT UPDATE (last_used_at, service_metadata, service_preferences, usage_stats) ON TABLE public.user_service_profiles TO nura_import;
GRANT UPDATE (last_used_at, usage_stats) ON TABLE public.user_service_profiles TO nura_worker;

-- public.users
CREATE TABLE public.users (
    id varchar NOT NULL,
    email varchar NOT NULL,
    phone_number varchar,
    full_name varchar,
    display_name varchar,
    bio text,
    avatar_url varchar,
    email_confirmed_at timestamptz,
    phone_confirmed_at timestamptz,
    last_sign_in_at timestamptz,
    is_active boolean DEFAULT true,
    current_streak integer DEFAULT 0,
    xp integer DEFAULT 0,
    privacy_settings json DEFAULT '{}'::json,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    last_active_at timestamptz,
    deleted_at timestamptz
);
ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.users ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX idx_users_active ON public.users USING btree (is_active);
CREATE INDEX idx_users_created ON public.users USING btree (created_at);
CREATE INDEX idx_users_email ON public.users USING btree (email);
CREATE TRIGGER touch BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY import ON public.users TO nura_import USING (true) WITH CHECK (true);
CREATE POLICY own_rows ON public.users TO authenticated, nura_door USING (((id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((id)::text = (( SELECT auth.uid() AS uid))::text));
CREATE POLICY sign_in ON public.users TO nura_auth USING (true) WITH CHECK (true);
GRANT SELECT ON TABLE public.users TO authenticated;
GRANT SELECT ON TABLE public.users TO nura_door;
GRANT SELECT,INSERT ON TABLE public.users TO nura_import;
GRANT INSERT (created_at, display_name, email, email_confirmed_at, full_name, id, is_active, last_active_at, last_sign_in_at, phone_confirmed_at, phone_number) ON TABLE public.users TO nura_auth;
GRANT SELECT (created_at, deleted_at, email, email_confirmed_at, id, is_active, last_active_at, last_sign_in_at, phone_confirmed_at, phone_number, updated_at) ON TABLE public.users TO nura_auth;
GRANT UPDATE (deleted_at, display_name, email, email_confirmed_at, is_active, last_active_at, last_sign_in_at, phone_confirmed_at, phone_number) ON TABLE public.users TO nura_auth;
GRANT UPDATE (avatar_url, bio, display_name, full_name, privacy_settings) ON TABLE public.users TO nura_door;
GRANT UPDATE (avatar_url, bio, current_streak, display_name, email, email_confirmed_at, full_name, is_active, last_active_at, last_sign_in_at, phone_confirmed_at, phone_number, privacy_settings, xp) ON TABLE public.users TO nura_import;

-- public.voice_calls
CREATE TABLE public.voice_calls (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    vapi_call_id varchar,
    user_id varchar NOT NULL,
    assistant_id varchar NOT NULL,
    channel varchar,
    status varchar DEFAULT 'pending'::varchar,
    phone_number varchar,
    started_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz DEFAULT now(),
    cost_total numeric(10,4),
    cost_breakdown json
);
ALTER TABLE ONLY public.voice_calls FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.voice_calls ADD CONSTRAINT voice_calls_id_user_id_key UNIQUE (id, user_id);
ALTER TABLE ONLY public.voice_calls ADD CONSTRAINT voice_calls_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.voice_calls ADD CONSTRAINT voice_calls_vapi_call_id_key UNIQUE (vapi_call_id);
ALTER TABLE ONLY public.voice_calls ADD CONSTRAINT voice_calls_assistant_id_fkey FOREIGN KEY (assistant_id) REFERENCES public.voices(assistant_id);
ALTER TABLE ONLY public.voice_calls ADD CONSTRAINT voice_calls_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX idx_voice_calls_user ON public.voice_calls USING btree (user_id);
ALTER TABLE public.voice_calls ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON public.voice_calls TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE public.voice_calls TO authenticated;

-- public.voices
CREATE TABLE public.voices (
    id varchar DEFAULT public.uuid_generate_v4() NOT NULL,
    name varchar NOT NULL,
    assistant_id varchar NOT NULL,
    description text,
    sample_url varchar,
    is_active boolean DEFAULT true,
    created_at timestamptz DEFAULT now()
);
ALTER TABLE ONLY public.voices FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.voices ADD CONSTRAINT voices_assistant_id_key UNIQUE (assistant_id);
ALTER TABLE ONLY public.voices ADD CONSTRAINT voices_pkey PRIMARY KEY (id);
ALTER TABLE public.voices ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyone_reads ON public.voices FOR SELECT TO authenticated USING (true);
GRANT SELECT ON TABLE public.voices TO authenticated;

-- nura.accounts
CREATE TABLE nura.accounts (
    user_id varchar NOT NULL,
    email varchar NOT NULL,
    password_hash varchar NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    password_changed_at timestamptz DEFAULT now() NOT NULL
);
ALTER TABLE ONLY nura.accounts FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.accounts ADD CONSTRAINT accounts_email_key UNIQUE (email);
ALTER TABLE ONLY nura.accounts ADD CONSTRAINT accounts_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY nura.accounts ADD CONSTRAINT accounts_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE TRIGGER touch BEFORE UPDATE ON nura.accounts FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE nura.accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON nura.accounts TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
CREATE POLICY sign_in ON nura.accounts TO nura_auth USING (true) WITH CHECK (true);
GRANT SELECT,INSERT ON TABLE nura.accounts TO nura_auth;
GRANT UPDATE (email, password_changed_at, password_hash) ON TABLE nura.accounts TO nura_auth;

-- nura.audit_log
CREATE TABLE nura.audit_log (
    id bigint NOT NULL,
    at timestamptz DEFAULT now() NOT NULL,
    actor varchar NOT NULL,
    user_id varchar,
    person_digest bytea,
    action varchar NOT NULL,
    subject varchar,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    previous bytea,
    digest bytea NOT NULL,
    CONSTRAINT audit_log_actor_check CHECK (((actor)::text = ANY ((ARRAY['person'::varchar, 'operator'::varchar, 'system'::varchar, 'staff'::varchar])::text[])))
);
ALTER TABLE ONLY nura.audit_log FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.audit_log ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY nura.audit_log ADD CONSTRAINT audit_log_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE SET NULL;
CREATE INDEX audit_log_user ON nura.audit_log USING btree (user_id);
CREATE UNIQUE INDEX audit_log_previous ON nura.audit_log USING btree (previous);
CREATE TRIGGER chain BEFORE INSERT ON nura.audit_log FOR EACH ROW EXECUTE FUNCTION nura.chain_audit();
ALTER TABLE nura.audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY append ON nura.audit_log FOR INSERT TO nura_door, nura_worker, nura_auth WITH CHECK (true);
CREATE POLICY chain ON nura.audit_log FOR SELECT TO nura_door, nura_worker, nura_auth USING (true);
CREATE POLICY own_rows ON nura.audit_log TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE nura.audit_log TO authenticated;
GRANT INSERT (action, actor, detail, subject, user_id) ON TABLE nura.audit_log TO nura_auth;
GRANT INSERT (action, actor, detail, subject, user_id) ON TABLE nura.audit_log TO nura_door;
GRANT INSERT (action, actor, detail, subject, user_id) ON TABLE nura.audit_log TO nura_worker;
GRANT SELECT (digest, id) ON TABLE nura.audit_log TO nura_auth;
GRANT SELECT (digest, id) ON TABLE nura.audit_log TO nura_door;
GRANT SELECT (digest, id) ON TABLE nura.audit_log TO nura_worker;

-- nura.consents
CREATE TABLE nura.consents (
    id varchar DEFAULT gen_random_uuid() NOT NULL,
    user_id varchar NOT NULL,
    purpose varchar NOT NULL,
    version varchar NOT NULL,
    source varchar NOT NULL,
    given_at timestamptz DEFAULT now() NOT NULL,
    withdrawn_at timestamptz,
    CONSTRAINT consents_check CHECK ((withdrawn_at >= given_at)),
    CONSTRAINT consents_purpose_check CHECK (((purpose)::text ~ '^[a-z_]{1,40}$'::text))
);
ALTER TABLE ONLY nura.consents FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.consents ADD CONSTRAINT consents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY nura.consents ADD CONSTRAINT consents_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX consents_user ON nura.consents USING btree (user_id);
CREATE UNIQUE INDEX consents_in_force ON nura.consents USING btree (user_id, purpose) WHERE (withdrawn_at IS NULL);
ALTER TABLE nura.consents ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON nura.consents TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE nura.consents TO authenticated;
GRANT SELECT,INSERT ON TABLE nura.consents TO nura_door;
GRANT UPDATE (withdrawn_at) ON TABLE nura.consents TO nura_door;

-- nura.crisis_events
CREATE TABLE nura.crisis_events (
    id varchar DEFAULT gen_random_uuid() NOT NULL,
    user_id varchar NOT NULL,
    conversation_id varchar,
    message_id varchar,
    source varchar NOT NULL,
    level varchar NOT NULL,
    indicators json NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT crisis_events_source_check CHECK (((source)::text = ANY ((ARRAY['message'::varchar, 'title'::varchar, 'description'::varchar, 'profile'::varchar, 'device'::varchar, 'privacy'::varchar])::text[])))
);
ALTER TABLE ONLY nura.crisis_events FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.crisis_events ADD CONSTRAINT crisis_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY nura.crisis_events ADD CONSTRAINT crisis_events_conversation_id_user_id_fkey FOREIGN KEY (conversation_id, user_id) REFERENCES public.conversations(id, user_id) ON DELETE CASCADE;
ALTER TABLE ONLY nura.crisis_events ADD CONSTRAINT crisis_events_message_id_user_id_fkey FOREIGN KEY (message_id, user_id) REFERENCES public.messages(id, user_id) ON DELETE SET NULL (message_id);
ALTER TABLE ONLY nura.crisis_events ADD CONSTRAINT crisis_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX crisis_events_conversation ON nura.crisis_events USING btree (conversation_id);
CREATE INDEX crisis_events_message ON nura.crisis_events USING btree (message_id);
CREATE INDEX crisis_events_user ON nura.crisis_events USING btree (user_id);
ALTER TABLE nura.crisis_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY batch_insert ON nura.crisis_events FOR INSERT TO nura_writer WITH CHECK (true);
CREATE POLICY import ON nura.crisis_events FOR INSERT TO nura_import WITH CHECK (true);
CREATE POLICY own_rows ON nura.crisis_events TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
CREATE POLICY sign_in ON nura.crisis_events FOR INSERT TO nura_auth WITH CHECK (true);
GRANT INSERT ON TABLE nura.crisis_events TO nura_door;
GRANT INSERT ON TABLE nura.crisis_events TO nura_writer;
GRANT INSERT (conversation_id, indicators, level, source, user_id) ON TABLE nura.crisis_events TO nura_auth;
GRANT INSERT (conversation_id, indicators, level, source, user_id) ON TABLE nura.crisis_events TO nura_import;
GRANT SELECT (conversation_id, created_at, id, indicators, source) ON TABLE nura.crisis_events TO authenticated;

-- nura.jobs
CREATE TABLE nura.jobs (
    id bigint NOT NULL,
    kind varchar NOT NULL,
    key varchar NOT NULL,
    user_id varchar,
    payload jsonb NOT NULL,
    due_at timestamptz DEFAULT now() NOT NULL,
    state varchar DEFAULT 'due'::varchar NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    lease_until timestamptz,
    lease_token uuid,
    last_error_code varchar,
    created_at timestamptz DEFAULT now() NOT NULL,
    finished_at timestamptz,
    CONSTRAINT jobs_check CHECK ((((state)::text = 'leased'::text) = (lease_token IS NOT NULL))),
    CONSTRAINT jobs_state_check CHECK (((state)::text = ANY ((ARRAY['due'::varchar, 'leased'::varchar, 'done'::varchar, 'dead'::varchar])::text[])))
);
ALTER TABLE ONLY nura.jobs FORCE ROW LEVEL SECURITY;
ALTER TABLE nura.jobs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY ( SEQUENCE NAME nura.jobs_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1 );
ALTER TABLE ONLY nura.jobs ADD CONSTRAINT jobs_key_key UNIQUE (key);
ALTER TABLE ONLY nura.jobs ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY nura.jobs ADD CONSTRAINT jobs_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX jobs_due ON nura.jobs USING btree (due_at) WHERE ((state)::text = 'due'::text);
CREATE INDEX jobs_leased ON nura.jobs USING btree (lease_until) WHERE ((state)::text = 'leased'::text);
CREATE INDEX jobs_user ON nura.jobs USING btree (user_id);
ALTER TABLE nura.jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY batch_finish ON nura.jobs FOR UPDATE TO nura_writer USING (true) WITH CHECK (true);
CREATE POLICY batch_insert ON nura.jobs FOR INSERT TO nura_writer WITH CHECK (true);
CREATE POLICY batch_read ON nura.jobs FOR SELECT TO nura_writer USING (true);
CREATE POLICY own_rows ON nura.jobs TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
CREATE POLICY work ON nura.jobs TO nura_worker USING (true) WITH CHECK (true);
GRANT INSERT ON TABLE nura.jobs TO nura_writer;
GRANT SELECT ON TABLE nura.jobs TO nura_worker;
GRANT SELECT (key, lease_token, state) ON TABLE nura.jobs TO nura_writer;
GRANT UPDATE (attempt, due_at, finished_at, last_error_code, lease_token, lease_until, state) ON TABLE nura.jobs TO nura_worker;
GRANT UPDATE (finished_at, lease_token, lease_until, state) ON TABLE nura.jobs TO nura_writer;

-- nura.legacy_imports
CREATE TABLE nura.legacy_imports (
    source text NOT NULL,
    watermark timestamptz,
    last_id text,
    moved bigint DEFAULT 0 NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL
);
ALTER TABLE ONLY nura.legacy_imports ADD CONSTRAINT legacy_imports_pkey PRIMARY KEY (source);
CREATE TRIGGER touch BEFORE UPDATE ON nura.legacy_imports FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
GRANT SELECT,INSERT,UPDATE ON TABLE nura.legacy_imports TO nura_import;

-- nura.notices
CREATE TABLE nura.notices (
    id varchar DEFAULT gen_random_uuid() NOT NULL,
    user_id varchar NOT NULL,
    kind varchar NOT NULL,
    key varchar NOT NULL,
    frame jsonb NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    acknowledged_at timestamptz
);
ALTER TABLE ONLY nura.notices FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.notices ADD CONSTRAINT notices_pkey PRIMARY KEY (id);
ALTER TABLE ONLY nura.notices ADD CONSTRAINT notices_user_id_key_key UNIQUE (user_id, key);
ALTER TABLE ONLY nura.notices ADD CONSTRAINT notices_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX notices_waiting ON nura.notices USING btree (user_id, created_at) WHERE (acknowledged_at IS NULL);
ALTER TABLE nura.notices ENABLE ROW LEVEL SECURITY;
CREATE POLICY batch_insert ON nura.notices FOR INSERT TO nura_writer WITH CHECK (true);
CREATE POLICY import ON nura.notices FOR INSERT TO nura_import WITH CHECK (true);
CREATE POLICY own_rows ON nura.notices TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
CREATE POLICY sign_in ON nura.notices FOR INSERT TO nura_auth WITH CHECK (true);
GRANT SELECT ON TABLE nura.notices TO authenticated;
GRANT INSERT (expires_at, frame, key, kind, user_id) ON TABLE nura.notices TO nura_auth;
GRANT INSERT (expires_at, frame, key, kind, user_id) ON TABLE nura.notices TO nura_door;
GRANT INSERT (expires_at, frame, key, kind, user_id) ON TABLE nura.notices TO nura_import;
GRANT INSERT (expires_at, frame, key, kind, user_id) ON TABLE nura.notices TO nura_writer;
GRANT SELECT (acknowledged_at, key, user_id) ON TABLE nura.notices TO nura_door;
GRANT UPDATE (acknowledged_at) ON TABLE nura.notices TO nura_door;

-- nura.person_tables
CREATE TABLE nura.person_tables (
    table_name text NOT NULL,
    owner_column text NOT NULL
);
ALTER TABLE ONLY nura.person_tables ADD CONSTRAINT person_tables_pkey PRIMARY KEY (table_name);

-- nura.placeholders
CREATE TABLE nura.placeholders (
    conversation_id varchar NOT NULL,
    user_id varchar NOT NULL,
    sealed text NOT NULL,
    version integer NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT placeholders_sealed_check CHECK ((sealed ~~ 'enc1:%'::text))
);
ALTER TABLE ONLY nura.placeholders FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.placeholders ADD CONSTRAINT placeholders_pkey PRIMARY KEY (conversation_id);
ALTER TABLE ONLY nura.placeholders ADD CONSTRAINT placeholders_conversation_id_user_id_fkey FOREIGN KEY (conversation_id, user_id) REFERENCES public.conversations(id, user_id) ON DELETE CASCADE;
ALTER TABLE ONLY nura.placeholders ADD CONSTRAINT placeholders_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX placeholders_user ON nura.placeholders USING btree (user_id);
CREATE TRIGGER touch BEFORE UPDATE ON nura.placeholders FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE nura.placeholders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON nura.placeholders TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT INSERT (conversation_id, sealed, user_id, version) ON TABLE nura.placeholders TO nura_door;
GRANT SELECT (conversation_id, sealed, version) ON TABLE nura.placeholders TO authenticated;
GRANT SELECT (conversation_id, sealed, version) ON TABLE nura.placeholders TO nura_door;
GRANT UPDATE (sealed, version) ON TABLE nura.placeholders TO nura_door;

-- nura.read_marks
CREATE TABLE nura.read_marks (
    conversation_id varchar NOT NULL,
    user_id varchar NOT NULL,
    seq bigint NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT read_marks_seq_check CHECK ((seq >= 0))
);
ALTER TABLE ONLY nura.read_marks FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.read_marks ADD CONSTRAINT read_marks_pkey PRIMARY KEY (conversation_id, user_id);
ALTER TABLE ONLY nura.read_marks ADD CONSTRAINT read_marks_conversation_id_user_id_fkey FOREIGN KEY (conversation_id, user_id) REFERENCES public.conversations(id, user_id) ON DELETE CASCADE;
ALTER TABLE ONLY nura.read_marks ADD CONSTRAINT read_marks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX read_marks_user ON nura.read_marks USING btree (user_id);
CREATE TRIGGER touch BEFORE UPDATE ON nura.read_marks FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE nura.read_marks ENABLE ROW LEVEL SECURITY;
CREATE POLICY batch_insert ON nura.read_marks FOR INSERT TO nura_writer WITH CHECK (true);
CREATE POLICY batch_read ON nura.read_marks FOR SELECT TO nura_writer USING (true);
CREATE POLICY batch_update ON nura.read_marks FOR UPDATE TO nura_writer USING (true) WITH CHECK (true);
CREATE POLICY own_rows ON nura.read_marks TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE nura.read_marks TO authenticated;
GRANT INSERT (conversation_id, seq, user_id) ON TABLE nura.read_marks TO nura_writer;
GRANT SELECT (conversation_id, seq, user_id) ON TABLE nura.read_marks TO nura_door;
GRANT SELECT (conversation_id, seq, user_id) ON TABLE nura.read_marks TO nura_writer;
GRANT UPDATE (seq) ON TABLE nura.read_marks TO nura_door;
GRANT UPDATE (seq) ON TABLE nura.read_marks TO nura_writer;

-- nura.refresh_tokens
CREATE TABLE nura.refresh_tokens (
    token_hash bytea NOT NULL,
    session_id varchar NOT NULL,
    user_id varchar NOT NULL,
    issued_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    attempt_digest bytea
);
ALTER TABLE ONLY nura.refresh_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.refresh_tokens ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY nura.refresh_tokens ADD CONSTRAINT refresh_tokens_session_id_user_id_fkey FOREIGN KEY (session_id, user_id) REFERENCES nura.sessions(id, user_id) ON DELETE CASCADE;
ALTER TABLE ONLY nura.refresh_tokens ADD CONSTRAINT refresh_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX refresh_tokens_session ON nura.refresh_tokens USING btree (session_id);
CREATE INDEX refresh_tokens_user ON nura.refresh_tokens USING btree (user_id);
ALTER TABLE nura.refresh_tokens ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON nura.refresh_tokens TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
CREATE POLICY sign_in ON nura.refresh_tokens TO nura_auth USING (true) WITH CHECK (true);
GRANT SELECT,INSERT,DELETE ON TABLE nura.refresh_tokens TO nura_auth;
GRANT UPDATE (attempt_digest, used_at) ON TABLE nura.refresh_tokens TO nura_auth;

-- nura.removed_conversations
CREATE TABLE nura.removed_conversations (
    conversation_id varchar NOT NULL,
    user_id varchar NOT NULL,
    removed_at timestamptz DEFAULT now() NOT NULL
);
ALTER TABLE ONLY nura.removed_conversations FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.removed_conversations ADD CONSTRAINT removed_conversations_pkey PRIMARY KEY (conversation_id);
ALTER TABLE ONLY nura.removed_conversations ADD CONSTRAINT removed_conversations_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX removed_conversations_since ON nura.removed_conversations USING btree (user_id, removed_at);
ALTER TABLE nura.removed_conversations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON nura.removed_conversations TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE nura.removed_conversations TO authenticated;
GRANT INSERT (conversation_id, user_id) ON TABLE nura.removed_conversations TO nura_door;
GRANT SELECT (conversation_id) ON TABLE nura.removed_conversations TO nura_door;

-- nura.reply_runs
CREATE TABLE nura.reply_runs (
    id varchar DEFAULT gen_random_uuid() NOT NULL,
    message_id varchar NOT NULL,
    conversation_id varchar NOT NULL,
    user_id varchar NOT NULL,
    state varchar DEFAULT 'running'::varchar NOT NULL,
    attempt integer DEFAULT 1 NOT NULL,
    lease_token uuid,
    started_at timestamptz DEFAULT now() NOT NULL,
    ended_at timestamptz,
    reply_message_id varchar,
    CONSTRAINT reply_runs_state_check CHECK (((state)::text = ANY ((ARRAY['running'::varchar, 'completed'::varchar, 'failed'::varchar, 'cancelled'::varchar])::text[])))
);
ALTER TABLE ONLY nura.reply_runs FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.reply_runs ADD CONSTRAINT reply_runs_message_id_key UNIQUE (message_id);
ALTER TABLE ONLY nura.reply_runs ADD CONSTRAINT reply_runs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY nura.reply_runs ADD CONSTRAINT reply_runs_conversation_id_user_id_fkey FOREIGN KEY (conversation_id, user_id) REFERENCES public.conversations(id, user_id) ON DELETE CASCADE;
ALTER TABLE ONLY nura.reply_runs ADD CONSTRAINT reply_runs_message_id_user_id_fkey FOREIGN KEY (message_id, user_id) REFERENCES public.messages(id, user_id) ON DELETE CASCADE;
ALTER TABLE ONLY nura.reply_runs ADD CONSTRAINT reply_runs_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX reply_runs_conversation ON nura.reply_runs USING btree (conversation_id);
CREATE INDEX reply_runs_user ON nura.reply_runs USING btree (user_id);
ALTER TABLE nura.reply_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY batch_finish ON nura.reply_runs FOR UPDATE TO nura_writer USING (true) WITH CHECK (true);
CREATE POLICY batch_read ON nura.reply_runs FOR SELECT TO nura_writer USING (true);
CREATE POLICY own_rows ON nura.reply_runs TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
CREATE POLICY work ON nura.reply_runs TO nura_worker USING (true) WITH CHECK (true);
GRANT SELECT,INSERT ON TABLE nura.reply_runs TO nura_worker;
GRANT SELECT (lease_token, message_id) ON TABLE nura.reply_runs TO nura_writer;
GRANT UPDATE (attempt, ended_at, lease_token, reply_message_id, started_at, state) ON TABLE nura.reply_runs TO nura_worker;
GRANT UPDATE (ended_at, lease_token, reply_message_id, state) ON TABLE nura.reply_runs TO nura_writer;

-- nura.schema_migrations
CREATE TABLE nura.schema_migrations (
    version text NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz DEFAULT now() NOT NULL
);
ALTER TABLE ONLY nura.schema_migrations ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

-- nura.sessions
CREATE TABLE nura.sessions (
    id varchar NOT NULL,
    user_id varchar NOT NULL,
    source varchar NOT NULL,
    device varchar,
    ip_prefix varchar,
    signed_in_at timestamptz NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    last_seen_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason varchar,
    CONSTRAINT sessions_check CHECK (((ended_at IS NULL) = (end_reason IS NULL))),
    CONSTRAINT sessions_end_reason_check CHECK (((end_reason)::text = ANY ((ARRAY['signed_out'::varchar, 'revoked'::varchar, 'reused'::varchar, 'password'::varchar, 'deleted'::varchar])::text[]))),
    CONSTRAINT sessions_source_check CHECK (((source)::text = ANY ((ARRAY['local'::varchar, 'supabase'::varchar])::text[])))
);
ALTER TABLE ONLY nura.sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.sessions ADD CONSTRAINT sessions_id_user_id_key UNIQUE (id, user_id);
ALTER TABLE ONLY nura.sessions ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY nura.sessions ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX sessions_ended ON nura.sessions USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX sessions_user ON nura.sessions USING btree (user_id);
ALTER TABLE nura.sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON nura.sessions TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
CREATE POLICY sign_in ON nura.sessions TO nura_auth USING (true) WITH CHECK (true);
GRANT SELECT,INSERT ON TABLE nura.sessions TO nura_auth;
GRANT UPDATE (device, end_reason, ended_at, expires_at, ip_prefix, last_seen_at, signed_in_at) ON TABLE nura.sessions TO nura_auth;

-- nura.tombstones
CREATE TABLE nura.tombstones (
    conversation_id varchar NOT NULL,
    user_id varchar NOT NULL,
    seq bigint NOT NULL,
    removed_seq bigint NOT NULL,
    client_id varchar NOT NULL,
    removed_at timestamptz DEFAULT now() NOT NULL,
    message_id varchar NOT NULL,
    committed_at timestamptz NOT NULL,
    trimmed boolean DEFAULT false NOT NULL,
    CONSTRAINT tombstones_check CHECK ((removed_seq < seq))
);
ALTER TABLE ONLY nura.tombstones FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.tombstones ADD CONSTRAINT tombstones_conversation_id_client_id_key UNIQUE (conversation_id, client_id);
ALTER TABLE ONLY nura.tombstones ADD CONSTRAINT tombstones_conversation_id_message_id_key UNIQUE (conversation_id, message_id);
ALTER TABLE ONLY nura.tombstones ADD CONSTRAINT tombstones_pkey PRIMARY KEY (conversation_id, removed_seq);
ALTER TABLE ONLY nura.tombstones ADD CONSTRAINT tombstones_conversation_id_user_id_fkey FOREIGN KEY (conversation_id, user_id) REFERENCES public.conversations(id, user_id) ON DELETE CASCADE;
ALTER TABLE ONLY nura.tombstones ADD CONSTRAINT tombstones_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX tombstones_user ON nura.tombstones USING btree (user_id);
CREATE UNIQUE INDEX tombstones_seq ON nura.tombstones USING btree (conversation_id, seq) WHERE (NOT trimmed);
ALTER TABLE nura.tombstones ENABLE ROW LEVEL SECURITY;
CREATE POLICY batch_read ON nura.tombstones FOR SELECT TO nura_writer USING (true);
CREATE POLICY own_rows ON nura.tombstones TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE nura.tombstones TO authenticated;
GRANT SELECT,INSERT ON TABLE nura.tombstones TO nura_door;
GRANT SELECT (client_id, committed_at, conversation_id, message_id, removed_at, removed_seq, seq) ON TABLE nura.tombstones TO nura_writer;

-- nura.trims
CREATE TABLE nura.trims (
    conversation_id varchar NOT NULL,
    user_id varchar NOT NULL,
    seq bigint NOT NULL,
    before_seq bigint NOT NULL,
    trimmed_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT trims_check CHECK ((before_seq <= seq))
);
ALTER TABLE ONLY nura.trims FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.trims ADD CONSTRAINT trims_pkey PRIMARY KEY (conversation_id, seq);
ALTER TABLE ONLY nura.trims ADD CONSTRAINT trims_conversation_id_user_id_fkey FOREIGN KEY (conversation_id, user_id) REFERENCES public.conversations(id, user_id) ON DELETE CASCADE;
ALTER TABLE ONLY nura.trims ADD CONSTRAINT trims_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX trims_user ON nura.trims USING btree (user_id);
ALTER TABLE nura.trims ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON nura.trims TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT ON TABLE nura.trims TO authenticated;
GRANT SELECT,INSERT ON TABLE nura.trims TO nura_door;

-- nura.unheard_instances
CREATE TABLE nura.unheard_instances (
    instance varchar NOT NULL,
    until timestamptz NOT NULL
);
ALTER TABLE ONLY nura.unheard_instances ADD CONSTRAINT unheard_instances_pkey PRIMARY KEY (instance);
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE nura.unheard_instances TO nura_writer;

-- nura.user_keys
CREATE TABLE nura.user_keys (
    user_id varchar NOT NULL,
    wrapped bytea NOT NULL,
    kek_id varchar NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL
);
ALTER TABLE ONLY nura.user_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.user_keys ADD CONSTRAINT user_keys_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY nura.user_keys ADD CONSTRAINT user_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE TRIGGER touch BEFORE UPDATE ON nura.user_keys FOR EACH ROW EXECUTE FUNCTION nura.touch_updated_at();
ALTER TABLE nura.user_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY keys ON nura.user_keys TO nura_auth USING (true) WITH CHECK (true);
CREATE POLICY own_rows ON nura.user_keys TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
GRANT SELECT,INSERT,DELETE ON TABLE nura.user_keys TO nura_auth;
GRANT UPDATE (kek_id, wrapped) ON TABLE nura.user_keys TO nura_auth;

-- nura.verifications
CREATE TABLE nura.verifications (
    id varchar DEFAULT gen_random_uuid() NOT NULL,
    user_id varchar NOT NULL,
    purpose varchar NOT NULL,
    target varchar NOT NULL,
    secret_hash bytea NOT NULL,
    tries_left integer DEFAULT 5 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT verifications_purpose_check CHECK (((purpose)::text = ANY ((ARRAY['email'::varchar, 'password'::varchar, 'phone'::varchar])::text[]))),
    CONSTRAINT verifications_tries_left_check CHECK ((tries_left >= 0))
);
ALTER TABLE ONLY nura.verifications FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY nura.verifications ADD CONSTRAINT verifications_pkey PRIMARY KEY (id);
ALTER TABLE ONLY nura.verifications ADD CONSTRAINT verifications_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
CREATE INDEX verifications_user ON nura.verifications USING btree (user_id);
CREATE UNIQUE INDEX verifications_secret ON nura.verifications USING btree (secret_hash);
ALTER TABLE nura.verifications ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON nura.verifications TO authenticated, nura_door USING (((user_id)::text = (( SELECT auth.uid() AS uid))::text)) WITH CHECK (((user_id)::text = (( SELECT auth.uid() AS uid))::text));
CREATE POLICY sign_in ON nura.verifications TO nura_auth USING (true) WITH CHECK (true);
GRANT SELECT,INSERT,DELETE ON TABLE nura.verifications TO nura_auth;
GRANT UPDATE (tries_left, used_at) ON TABLE nura.verifications TO nura_auth;

-- nura.webhook_inbox
CREATE TABLE nura.webhook_inbox (
    source varchar NOT NULL,
    dedup_key varchar NOT NULL,
    kind varchar NOT NULL,
    received_at timestamptz DEFAULT now() NOT NULL
);
ALTER TABLE ONLY nura.webhook_inbox ADD CONSTRAINT webhook_inbox_pkey PRIMARY KEY (source, dedup_key);
CREATE INDEX webhook_inbox_received ON nura.webhook_inbox USING btree (received_at);
GRANT SELECT,INSERT,DELETE ON TABLE nura.webhook_inbox TO nura_auth;
