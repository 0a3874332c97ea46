-- migrate:up
-- Words come with a sign-up, Supabase's hook, a device's name and an import too: what screening finds in them is kept
-- in the commit that keeps them. These roles add; they read none of it.
create policy sign_in on nura.crisis_events for insert to nura_auth with check (true);
create policy sign_in on nura.notices for insert to nura_auth with check (true);
create policy import on nura.crisis_events for insert to nura_import with check (true);
create policy import on nura.notices for insert to nura_import with check (true);
grant insert (user_id, conversation_id, source, level, indicators) on nura.crisis_events to nura_auth, nura_import;
grant insert (user_id, kind, key, frame, expires_at) on nura.notices to nura_auth, nura_import;

alter table nura.crisis_events
    drop constraint crisis_events_source_check,
    add constraint crisis_events_source_check
        check (source in ('message', 'title', 'description', 'profile', 'device', 'privacy'));

-- migrate:down
alter table nura.crisis_events no force row level security;
update nura.crisis_events set source = 'profile' where source in ('device', 'privacy');
alter table nura.crisis_events force row level security;
alter table nura.crisis_events
    drop constraint crisis_events_source_check,
    add constraint crisis_events_source_check check (source in ('message', 'title', 'description', 'profile'));

revoke insert (user_id, kind, key, frame, expires_at) on nura.notices from nura_auth, nura_import;
revoke insert (user_id, conversation_id, source, level, indicators) on nura.crisis_events from nura_auth, nura_import;
drop policy import on nura.notices;
drop policy import on nura.crisis_events;
drop policy sign_in on nura.notices;
drop policy sign_in on nura.crisis_events;
