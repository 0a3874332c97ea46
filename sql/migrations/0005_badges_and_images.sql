-- migrate:up
create table badges (
    id varchar primary key default uuid_generate_v4(),
    name varchar not null,
    description text,
    icon_url varchar,
    xp_award integer default 0,
    criteria json default '{}',
    is_active boolean default true,
    created_at timestamptz default now()
);

create table user_badges (
    id varchar primary key default uuid_generate_v4(),
    user_id varchar not null references users (id) on delete cascade,
    badge_id varchar not null references badges (id) on delete cascade,
    earned_at timestamptz default now(),
    unique (user_id, badge_id)
);
select nura.own_rows('user_badges', 'user_id');

create table generated_images (
    id varchar primary key default uuid_generate_v4(),
    user_id varchar not null references users (id) on delete cascade,
    name varchar,
    prompt text not null,
    image_data text not null,
    image_format varchar default 'png',
    metadata jsonb default '{}',
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);
create index idx_generated_images_user on generated_images (user_id);
create index idx_generated_images_created on generated_images (created_at);
create trigger touch before update on generated_images for each row execute function nura.touch_updated_at();
select nura.own_rows('generated_images', 'user_id');

alter table badges enable row level security;
alter table badges force row level security;
create policy everyone_reads on badges for select to authenticated using (true);
grant select on badges, user_badges, generated_images to authenticated;

-- migrate:down
drop table generated_images;
drop table user_badges;
drop table badges;
delete from nura.person_tables where to_regclass(table_name) is null;
