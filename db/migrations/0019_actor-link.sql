-- The address of the CI run that has asked for an action, from its signed ID token.
alter table actions add column actor_link text;
