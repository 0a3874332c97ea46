-- migrate:up
create table conversations (
    id varchar primary key default uuid_generate_v4(),
    user_id varchar not null references users (id) on delete cascade,
    title varchar,
    description text,
    session_type varchar default 'chat',
    status varchar default 'active',
    crisis_level varchar default 'none',
    safety_plan_triggered boolean default false,
    message_count integer default 0,
    total_duration_minutes float default 0.0,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_message_at timestamptz,
    -- ours: the last seq given, and the client's id that makes `conversation.create` repeatable
    last_seq bigint not null default 0,
    client_id varchar,
    unique (id, user_id),
    unique (user_id, client_id),
    check (crisis_level in ('none', 'low', 'moderate', 'high', 'critical'))
);
create index idx_conversations_user_updated on conversations (user_id, updated_at);
create trigger touch before update on conversations for each row execute function nura.touch_updated_at();
select nura.own_rows('conversations', 'user_id');

create table messages (
    id varchar primary key default uuid_generate_v4(),
    conversation_id varchar not null references conversations (id) on delete cascade,
    user_id varchar not null references users (id) on delete cascade,
    content text not null,
    role varchar not null,
    message_type varchar default 'text',
    processed_content text,
    pii_detected json default '{}',
    sentiment_score float,
    crisis_indicators json default '{}',
    requires_intervention boolean default false,
    memory_extracted boolean default false,
    memory_items_created json default '[]',
    response_time_ms integer,
    model_used varchar,
    tokens_used integer,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    -- ours: the dense order of the conversation, the client's idempotency key, who wrote it if not the owner
    seq bigint not null,
    client_id varchar not null,
    author_id varchar,
    unique (conversation_id, client_id),
    unique (conversation_id, seq),
    unique (id, user_id),
    foreign key (conversation_id, user_id) references conversations (id, user_id) on delete cascade,
    check (role in ('user', 'assistant', 'system'))
);
create index idx_messages_conversation on messages (conversation_id);
create index idx_messages_user on messages (user_id);
create index idx_messages_created on messages (created_at);
create trigger touch before update on messages for each row execute function nura.touch_updated_at();
select nura.own_rows('messages', 'user_id');

-- What screening found, written by the statement that keeps the words. Names and versions only, no words.
create table nura.crisis_events (
    id varchar primary key default gen_random_uuid(),
    user_id varchar not null references users (id) on delete cascade,
    conversation_id varchar not null,
    message_id varchar,
    source varchar not null,
    level varchar not null,
    indicators json not null,
    created_at timestamptz not null default now(),
    foreign key (conversation_id, user_id) references conversations (id, user_id) on delete cascade,
    foreign key (message_id, user_id) references messages (id, user_id) on delete cascade,
    check (source in ('message', 'title'))
);
create index crisis_events_user on nura.crisis_events (user_id);
create index crisis_events_conversation on nura.crisis_events (conversation_id);
create index crisis_events_message on nura.crisis_events (message_id);
select nura.own_rows('nura.crisis_events', 'user_id');

create table memory_items (
    id varchar primary key default uuid_generate_v4(),
    user_id varchar not null references users (id) on delete cascade,
    conversation_id varchar references conversations (id) on delete set null,
    message_id varchar references messages (id) on delete set null,
    content text not null,
    processed_content text,
    memory_type varchar not null,
    storage_type varchar default 'short_term',
    significance_level varchar default 'low',
    significance_category varchar,
    relevance_score float default 0.0,
    stability_score float default 0.0,
    explicitness_score float default 0.0,
    composite_score float default 0.0,
    embedding json,
    pii_detected json default '{}',
    user_consent json default '{}',
    anonymized_version text,
    extraction_metadata json default '{}',
    tags json default '[]',
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_accessed_at timestamptz,
    is_active boolean default true,
    is_archived boolean default false,
    foreign key (conversation_id, user_id) references conversations (id, user_id) on delete set null (conversation_id),
    foreign key (message_id, user_id) references messages (id, user_id) on delete set null (message_id)
);
create index idx_memory_items_user on memory_items (user_id);
create index idx_memory_items_type on memory_items (memory_type);
create index idx_memory_items_storage_type on memory_items (storage_type);
create trigger touch before update on memory_items for each row execute function nura.touch_updated_at();
select nura.own_rows('memory_items', 'user_id');

grant select on conversations, messages, memory_items to authenticated;
grant select, insert on conversations to nura_door;
grant insert on nura.crisis_events to nura_door;

-- The batched writer works for many people at once, so no claims bind it; its column grants do.
create policy batch_read on conversations for select to nura_writer using (true);
create policy batch_update on conversations for update to nura_writer using (true) with check (true);
create policy batch_read on messages for select to nura_writer using (true);
create policy batch_insert on messages for insert to nura_writer with check (true);
create policy batch_insert on nura.crisis_events for insert to nura_writer with check (true);
grant select (id, user_id, last_seq, message_count, crisis_level, safety_plan_triggered),
      update (last_seq, message_count, last_message_at, crisis_level, safety_plan_triggered) on conversations to nura_writer;
grant select (id, conversation_id, client_id, seq, created_at), insert on messages to nura_writer;
grant insert on nura.crisis_events to nura_writer;

-- migrate:down
drop table memory_items;
drop table nura.crisis_events;
drop table messages;
drop table conversations;
delete from nura.person_tables where to_regclass(table_name) is null;
