-- What the application role may do, apart from the owner (rulings R27). Run after the migrations, every time, in one
-- transaction: what is no longer listed goes away. A house test compares the list with the tables there are.

REVOKE ALL ON ALL TABLES IN SCHEMA revenge FROM {role};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA revenge FROM {role};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA revenge FROM {role};

GRANT USAGE ON SCHEMA revenge TO {role};

GRANT SELECT, INSERT, UPDATE, DELETE ON
    revenge.api_key_uses,
    revenge.api_keys,
    revenge.bootstrap_tokens,
    revenge.changes,
    revenge.credentials,
    revenge.device_tokens,
    revenge.exports,
    revenge.feed_identity,
    revenge.group_members,
    revenge.group_roles,
    revenge.groups,
    revenge.guesses,
    revenge.idempotency_keys,
    revenge.invitations,
    revenge.job_items,
    revenge.job_leader,
    revenge.job_queues,
    revenge.job_schedules,
    revenge.job_workers,
    revenge.jobs,
    revenge.one_time_tokens,
    revenge.refresh_tokens,
    revenge.role_parents,
    revenge.role_permissions,
    revenge.roles,
    revenge.session_devices,
    revenge.sessions,
    revenge.signing_keys,
    revenge.user_avatars,
    revenge.user_preferences,
    revenge.user_roles,
    revenge.users
TO {role};

-- The audit log is only added to; its partitions are reached through it alone.
GRANT SELECT, INSERT ON revenge.activity TO {role};

-- What proves that it is whole is written by functions of the owner. The application signs, and ships.
GRANT SELECT ON revenge.activity_unsealed, revenge.activity_seals TO {role};
GRANT SELECT, INSERT, UPDATE (shipped_at) ON revenge.activity_checkpoints TO {role};
GRANT SELECT, UPDATE (key_id, public_key, signature) ON revenge.activity_retentions TO {role};

GRANT SELECT ON revenge.held_roles TO {role};

GRANT SELECT ON revenge.migrations TO {role};

GRANT USAGE ON SEQUENCE revenge.change_numbers, revenge.jobs_id_seq TO {role};

GRANT EXECUTE ON FUNCTION
    revenge.activity_make_partitions(timestamptz, timestamptz),
    revenge.drop_activity(timestamptz, timestamptz),
    revenge.drop_activity_seals(integer),
    revenge.erase_activity(uuid, integer),
    revenge.publish_changes(text[], text[]),
    revenge.seal_activity(integer),
    revenge.trim_changes(timestamptz)
TO {role};
