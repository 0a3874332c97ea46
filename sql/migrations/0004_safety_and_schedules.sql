-- migrate:up
create table safety_contacts (
    id varchar primary key default uuid_generate_v4(),
    user_id varchar not null references users (id) on delete cascade,
    contact_user_id varchar references users (id) on delete set null,
    external_first_name varchar,
    external_last_name varchar,
    external_phone_number varchar,
    external_email varchar,
    priority_order integer not null,
    allowed_communication_methods json not null,
    preferred_communication_method varchar not null,
    relationship_type varchar,
    notes text,
    preferred_contact_time varchar,
    timezone varchar default 'UTC',
    is_active boolean default true,
    is_emergency_contact boolean default false,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_contacted_at timestamptz,
    last_contact_method varchar,
    last_contact_successful boolean,
    custom_metadata json default '{}'
);
create index idx_safety_contacts_user on safety_contacts (user_id);
create index idx_safety_contacts_priority on safety_contacts (user_id, priority_order);
create trigger touch before update on safety_contacts for each row execute function nura.touch_updated_at();
select nura.own_rows('safety_contacts', 'user_id');

create table schedules (
    id varchar primary key default uuid_generate_v4(),
    user_id varchar not null references users (id) on delete cascade,
    name varchar not null,
    description text,
    schedule_type varchar not null,
    cron_expression varchar not null,
    timezone varchar default 'UTC',
    next_run_at timestamptz not null,
    last_run_at timestamptz,
    reminder_method varchar not null,
    phone_number varchar,
    email varchar,
    assistant_id varchar,
    is_active boolean default true,
    custom_metadata json default '{}',
    context_summary text,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);
create index schedules_user on schedules (user_id);
create trigger touch before update on schedules for each row execute function nura.touch_updated_at();
select nura.own_rows('schedules', 'user_id');

grant select on safety_contacts, schedules to authenticated;

-- migrate:down
drop table schedules;
drop table safety_contacts;
delete from nura.person_tables where to_regclass(table_name) is null;
