-- migrate:up
-- Instances that Redis takes nothing from: until this moment the others cannot rely on hearing of what they keep.
create table nura.unheard_instances (
    instance varchar primary key,
    until timestamptz not null
);
grant select, insert, update, delete on nura.unheard_instances to nura_writer;

-- migrate:down
drop table nura.unheard_instances;
