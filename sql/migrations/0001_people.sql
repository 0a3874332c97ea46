-- migrate:up
-- The specification's default for ids; the extension's function wins where it exists (Supabase).
do $$
begin
  if to_regprocedure('uuid_generate_v4()') is null then
    create function public.uuid_generate_v4() returns uuid
      language sql volatile parallel safe as 'select gen_random_uuid()';
  end if;
end $$;

create function nura.touch_updated_at() returns trigger
  language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end $$;

-- Every table that holds a person's rows, and the column that names the person.
create table nura.person_tables (
    table_name text primary key,
    owner_column text not null
);

-- Row level security for one table: on, forced, and open to its owner alone.
create function nura.own_rows(p_table regclass, p_owner_column text) returns void
  language plpgsql set search_path = '' as $$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format('alter table %s force row level security', p_table);
  execute format(
    'create policy own_rows on %s to authenticated, nura_door
       using (%I = (select auth.uid())::text) with check (%I = (select auth.uid())::text)',
    p_table, p_owner_column, p_owner_column);
  insert into nura.person_tables values (p_table::text, p_owner_column);
end $$;

create table users (
    id varchar primary key,
    email varchar unique not null,
    phone_number varchar,
    full_name varchar,
    display_name varchar,
    bio text,
    avatar_url varchar,
    email_confirmed_at timestamptz,
    phone_confirmed_at timestamptz,
    last_sign_in_at timestamptz,
    is_active boolean default true,
    current_streak integer default 0,
    xp integer default 0,
    privacy_settings json default '{}',
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_active_at timestamptz,
    deleted_at timestamptz
);
create index idx_users_email on users (email);
create index idx_users_active on users (is_active);
create index idx_users_created on users (created_at);
create trigger touch before update on users for each row execute function nura.touch_updated_at();
select nura.own_rows('users', 'id');

create table user_service_profiles (
    id varchar primary key default uuid_generate_v4(),
    user_id varchar not null references users (id) on delete cascade,
    service_type varchar not null,
    service_preferences json default '{}',
    service_metadata json default '{}',
    usage_stats json default '{}',
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_used_at timestamptz,
    unique (user_id, service_type)
);
create trigger touch before update on user_service_profiles for each row execute function nura.touch_updated_at();
select nura.own_rows('user_service_profiles', 'user_id');

-- Local sign-in for self-hosting (AUTH_MODE=local). Nobody but nura_auth reads a hash.
create table nura.accounts (
    user_id varchar primary key references users (id) on delete cascade,
    email varchar unique not null,
    password_hash varchar not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create trigger touch before update on nura.accounts for each row execute function nura.touch_updated_at();
select nura.own_rows('nura.accounts', 'user_id');

create policy sign_in on users to nura_auth using (true) with check (true);
create policy sign_in on nura.accounts to nura_auth using (true) with check (true);
grant select (id, email), insert (id, email, display_name, last_sign_in_at, last_active_at),
      update (last_sign_in_at, last_active_at) on users to nura_auth;
grant select, insert on nura.accounts to nura_auth;
grant select on users, user_service_profiles to authenticated;

-- migrate:down
drop table nura.accounts;
drop table user_service_profiles;
drop table users;
drop function nura.own_rows(regclass, text);
drop table nura.person_tables;
drop function nura.touch_updated_at();
do $$
begin
  -- only the one made above is ours to drop
  if exists (select from pg_proc p join pg_roles r on r.oid = p.proowner
              where p.oid = to_regprocedure('public.uuid_generate_v4()') and r.rolname = current_user) then
    drop function public.uuid_generate_v4();
  end if;
end $$;
