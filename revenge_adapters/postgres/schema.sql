-- The schema as it is now: what the migrations come to, for readers. Nothing runs it; a house test proves that it is true.
-- Rows that come with it (roles, the feed's identity) and the grants of the application role are in `migrations/`.

CREATE SCHEMA revenge;

CREATE TABLE revenge.migrations (
    number     integer     NOT NULL PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL
);

-- Accounts -----------------------------------------------------------------------------------------------------------

CREATE TABLE revenge.users (
    id             uuid        NOT NULL PRIMARY KEY,
    username       text        NOT NULL,
    username_key   text        NOT NULL COLLATE "C",
    email          text        NOT NULL,
    email_key      text        NOT NULL COLLATE "C",
    display_name   text,
    avatar_url     text,
    locale         text        NOT NULL,
    timezone       text        NOT NULL,
    qar_enabled    boolean     NOT NULL,
    is_active      boolean     NOT NULL,
    email_verified boolean     NOT NULL,
    epoch          integer     NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    last_login_at  timestamptz,
    deleted_at     timestamptz,
    pending_email  text,
    version        integer     NOT NULL,
    purge_at       timestamptz,
    may_return     boolean     NOT NULL,
    display_name_key text      COLLATE "C",
    -- Deleted accounts hold their names until they are purged (rulings R20).
    CONSTRAINT users_username_unique UNIQUE (username_key),
    CONSTRAINT users_email_unique UNIQUE (email_key),
    -- What is deleted has a day on which its names are free again; what lives has none.
    CONSTRAINT users_deleted_is_purged CHECK ((deleted_at IS NULL) = (purge_at IS NULL)),
    CONSTRAINT users_only_deleted_return CHECK (deleted_at IS NOT NULL OR NOT may_return)
);

CREATE INDEX users_newest ON revenge.users (created_at, id);
CREATE INDEX users_due ON revenge.users (purge_at) WHERE purge_at IS NOT NULL;

CREATE TABLE revenge.credentials (
    user_id       uuid        NOT NULL PRIMARY KEY REFERENCES revenge.users ON DELETE CASCADE,
    password_hash text        NOT NULL,
    changed_at    timestamptz NOT NULL
);

-- Sessions -----------------------------------------------------------------------------------------------------------

CREATE TABLE revenge.session_devices (
    id           uuid        NOT NULL PRIMARY KEY,
    user_id      uuid        NOT NULL REFERENCES revenge.users ON DELETE CASCADE,
    fingerprint  text        NOT NULL COLLATE "C",
    client_type  text        NOT NULL,
    name         text,
    platform     text,
    last_address text,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    CONSTRAINT session_devices_fingerprint_unique UNIQUE (user_id, fingerprint)
);

CREATE TABLE revenge.sessions (
    id               uuid        NOT NULL PRIMARY KEY,
    user_id          uuid        NOT NULL REFERENCES revenge.users ON DELETE CASCADE,
    device_id        uuid        NOT NULL REFERENCES revenge.session_devices ON DELETE CASCADE,
    epoch            integer     NOT NULL,
    client_type      text        NOT NULL,
    device_name      text,
    user_agent       text,
    address          text,
    methods          text[]      NOT NULL,
    level            smallint    NOT NULL,
    authenticated_at timestamptz NOT NULL,
    created_at       timestamptz NOT NULL,
    last_activity_at timestamptz NOT NULL,
    idle_expires_at  timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    end_reason       text,
    CONSTRAINT sessions_end_has_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);

CREATE INDEX sessions_open ON revenge.sessions (user_id, created_at, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_device ON revenge.sessions (device_id);
CREATE INDEX sessions_ended ON revenge.sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE revenge.refresh_tokens (
    token_hash bytea       NOT NULL PRIMARY KEY,
    session_id uuid        NOT NULL REFERENCES revenge.sessions ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL,
    rotated_at timestamptz,
    child_hash bytea,
    child_salt bytea,
    CONSTRAINT refresh_tokens_rotated_has_child CHECK ((rotated_at IS NULL) = (child_hash IS NULL)),
    CONSTRAINT refresh_tokens_one_parent UNIQUE (child_hash)
);

CREATE INDEX refresh_tokens_session ON revenge.refresh_tokens (session_id);
CREATE INDEX refresh_tokens_salted ON revenge.refresh_tokens (rotated_at) WHERE child_salt IS NOT NULL;

-- Roles --------------------------------------------------------------------------------------------------------------

CREATE TABLE revenge.roles (
    name        text    NOT NULL COLLATE "C" PRIMARY KEY,
    description text    NOT NULL,
    built_in    boolean NOT NULL,
    version     integer NOT NULL
);

-- Nobody tells `Admin` from `admin`.
CREATE UNIQUE INDEX roles_name_unique ON revenge.roles (lower(name));

CREATE TABLE revenge.role_parents (
    role   text NOT NULL COLLATE "C" REFERENCES revenge.roles ON DELETE CASCADE,
    parent text NOT NULL COLLATE "C" REFERENCES revenge.roles ON DELETE CASCADE,
    PRIMARY KEY (role, parent)
);

CREATE INDEX role_parents_parent ON revenge.role_parents (parent);

CREATE TABLE revenge.role_permissions (
    role       text NOT NULL COLLATE "C" REFERENCES revenge.roles ON DELETE CASCADE,
    permission text NOT NULL COLLATE "C",
    source     text NOT NULL,
    PRIMARY KEY (role, permission)
);

CREATE TABLE revenge.user_roles (
    user_id    uuid        NOT NULL REFERENCES revenge.users ON DELETE CASCADE,
    role       text        NOT NULL COLLATE "C" REFERENCES revenge.roles,
    source     text        NOT NULL COLLATE "C",
    granted_at timestamptz NOT NULL,
    granted_by uuid        REFERENCES revenge.users ON DELETE SET NULL,
    -- What one source granted, another never takes away: each has its own row (decisions A1).
    PRIMARY KEY (user_id, role, source)
);

CREATE INDEX user_roles_role ON revenge.user_roles (role);
CREATE INDEX user_roles_granted_by ON revenge.user_roles (granted_by) WHERE granted_by IS NOT NULL;

CREATE TABLE revenge.groups (
    id          uuid        NOT NULL PRIMARY KEY,
    name        text        NOT NULL,
    name_key    text        NOT NULL COLLATE "C",
    description text        NOT NULL,
    version     integer     NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CONSTRAINT groups_name_unique UNIQUE (name_key)
);

CREATE TABLE revenge.group_roles (
    group_id uuid NOT NULL REFERENCES revenge.groups ON DELETE CASCADE,
    role     text NOT NULL COLLATE "C" REFERENCES revenge.roles,
    PRIMARY KEY (group_id, role)
);

CREATE INDEX group_roles_role ON revenge.group_roles (role);

CREATE TABLE revenge.group_members (
    group_id uuid        NOT NULL REFERENCES revenge.groups ON DELETE CASCADE,
    user_id  uuid        NOT NULL REFERENCES revenge.users ON DELETE CASCADE,
    source   text        NOT NULL COLLATE "C",
    added_at timestamptz NOT NULL,
    added_by uuid        REFERENCES revenge.users ON DELETE SET NULL,
    PRIMARY KEY (group_id, user_id, source)
);

CREATE INDEX group_members_user ON revenge.group_members (user_id);
CREATE INDEX group_members_added_by ON revenge.group_members (added_by) WHERE added_by IS NOT NULL;

-- Who holds which role, directly or through a group; a pair may be there several times.
CREATE VIEW revenge.held_roles AS
    SELECT user_id, role FROM revenge.user_roles
    UNION ALL
    SELECT group_members.user_id, group_roles.role
      FROM revenge.group_members
      JOIN revenge.group_roles ON group_roles.group_id = group_members.group_id;

-- API keys -----------------------------------------------------------------------------------------------------------

CREATE TABLE revenge.api_keys (
    id                uuid        NOT NULL PRIMARY KEY,
    user_id           uuid        NOT NULL REFERENCES revenge.users ON DELETE CASCADE,
    name              text        NOT NULL,
    description       text,
    key_hash          bytea       NOT NULL,
    prefix            text        NOT NULL,
    -- The one before, which goes on working until then: whoever rotates a key needs time to hand out the new one.
    previous_hash     bytea,
    previous_until    timestamptz,
    scopes            text[]      NOT NULL,
    permissions       text[]      NOT NULL,
    libraries         uuid[],
    addresses         text[],
    rate_limit        integer,
    recording         boolean     NOT NULL,
    expires_at        timestamptz,
    reminded_at       timestamptz,
    last_used_at      timestamptz,
    last_used_address text,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    revoked_at        timestamptz,
    version           integer     NOT NULL,
    CONSTRAINT api_keys_hash_unique UNIQUE (key_hash),
    CONSTRAINT api_keys_previous_hash_unique UNIQUE (previous_hash),
    CONSTRAINT api_keys_previous_ends CHECK ((previous_hash IS NULL) = (previous_until IS NULL))
);

CREATE INDEX api_keys_of_user ON revenge.api_keys (user_id, created_at, id);
CREATE INDEX api_keys_expires ON revenge.api_keys (expires_at) WHERE revoked_at IS NULL AND expires_at IS NOT NULL;

-- What keys in recording mode made use of.
CREATE TABLE revenge.api_key_uses (
    key_id        uuid        NOT NULL REFERENCES revenge.api_keys ON DELETE CASCADE,
    permission    text        NOT NULL COLLATE "C",
    first_used_at timestamptz NOT NULL,
    last_used_at  timestamptz NOT NULL,
    uses          bigint      NOT NULL,
    PRIMARY KEY (key_id, permission)
);

-- Keys and the first admin -------------------------------------------------------------------------------------------

CREATE TABLE revenge.signing_keys (
    kid          text        NOT NULL COLLATE "C" PRIMARY KEY,
    wrapped      bytea       NOT NULL,
    secret_check text        NOT NULL,
    created_at   timestamptz NOT NULL,
    retired_at   timestamptz
);

-- One row at most: a new token takes the place of the old one, and no race leaves two.
CREATE TABLE revenge.bootstrap_tokens (
    is_only    boolean     NOT NULL DEFAULT true PRIMARY KEY CHECK (is_only),
    token_hash bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- The revocation feed (rulings R25) ----------------------------------------------------------------------------------

CREATE TABLE revenge.feed_identity (
    is_only     boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (is_only),
    -- Another one after a restore tells every process to forget what it cached.
    incarnation uuid    NOT NULL,
    -- Numbers up to this one were announced once and are no longer kept.
    trimmed_to  bigint  NOT NULL
);

CREATE SEQUENCE revenge.change_numbers;

CREATE TABLE revenge.changes (
    number       bigint      NOT NULL PRIMARY KEY,
    topic        text        NOT NULL,
    key          text        NOT NULL,
    -- The database's own time, in which readers measure how fresh they are too. It decides only how long a row is kept.
    published_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX changes_published_at ON revenge.changes (published_at);

-- Call it as the last statement before COMMIT. Numbers are drawn under a lock that the commit releases, so they become
-- visible in order, and who has read number n will never find a smaller one that is new.
CREATE FUNCTION revenge.publish_changes(topics text[], keys text[]) RETURNS SETOF bigint
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7305801392406102);
    PERFORM pg_notify('revenge_changes', '');
    RETURN QUERY
        INSERT INTO revenge.changes (number, topic, key)
        SELECT nextval('revenge.change_numbers'), change.topic, change.key
          FROM unnest(topics, keys) AS change (topic, key)
        RETURNING changes.number;
END
$$;

-- Forgets what was announced before that time; how many.
CREATE FUNCTION revenge.trim_changes(before timestamptz) RETURNS bigint
LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM revenge.changes WHERE published_at < before RETURNING number),
    noted AS (
        UPDATE revenge.feed_identity
           SET trimmed_to = greatest(trimmed_to, (SELECT max(number) FROM gone))
         WHERE EXISTS (SELECT FROM gone)
    )
    SELECT count(*) FROM gone
$$;

-- The audit log (rulings R28) ----------------------------------------------------------------------------------------

CREATE TABLE revenge.activity (
    id            uuid        NOT NULL,
    created_at    timestamptz NOT NULL,
    actor_kind    text        NOT NULL,
    -- No foreign keys: the log outlives what it tells of.
    actor_id      uuid,
    session_id    uuid,
    on_behalf_of  uuid,
    action        text        NOT NULL,
    outcome       text        NOT NULL,
    reason        text,
    resource_type text,
    resource_id   uuid,
    resource_key  text,
    changes       jsonb       NOT NULL,
    address       text,
    user_agent    text,
    request_id    text,
    salt          bytea       NOT NULL,
    key_id        uuid,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);

CREATE INDEX activity_newest ON revenge.activity (created_at, id);
CREATE INDEX activity_by_actor ON revenge.activity (actor_id, created_at, id) WHERE actor_id IS NOT NULL;
-- One for each filter, in the order of the list. Whoever filters by several things gets the index of one of them.
CREATE INDEX activity_by_action ON revenge.activity (action, created_at, id);
CREATE INDEX activity_by_resource ON revenge.activity (resource_id, created_at, id) WHERE resource_id IS NOT NULL;
CREATE INDEX activity_by_type ON revenge.activity (resource_type, created_at, id) WHERE resource_type IS NOT NULL;
CREATE INDEX activity_by_address ON revenge.activity (address, created_at, id) WHERE address IS NOT NULL;
CREATE INDEX activity_failures ON revenge.activity (created_at, id) WHERE outcome = 'failure';

CREATE TABLE revenge.activity_default PARTITION OF revenge.activity DEFAULT;

-- Where owner and application are one role this is no more than a guard (rulings R27). Two functions of the owner say
-- what they are about: erasure takes what tells of a person and nothing else, retention what is older than 30 days.
CREATE FUNCTION revenge.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('revenge.audit_change', true) = 'erasure' THEN
        OLD.resource_key := NULL;
        OLD.changes := '{}';
        OLD.address := NULL;
        OLD.user_agent := NULL;
        OLD.request_id := NULL;
        OLD.salt := '';
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    IF TG_OP = 'DELETE' AND current_setting('revenge.audit_change', true) = 'retention' THEN
        IF OLD.created_at < clock_timestamp() - interval '30 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is only added to: % of % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON revenge.activity
    FOR EACH ROW EXECUTE FUNCTION revenge.refuse_audit_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON revenge.activity
    FOR EACH STATEMENT EXECUTE FUNCTION revenge.refuse_audit_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON revenge.activity_default
    FOR EACH STATEMENT EXECUTE FUNCTION revenge.refuse_audit_change();

-- Makes the partitions from the month of `since` to the month of `upto` that are missing; how many. A month of which
-- the default partition holds rows already is left to it: PostgreSQL would refuse. Runs as the owner, since the
-- application may not create tables.
CREATE FUNCTION revenge.activity_make_partitions(since timestamptz, upto timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month     timestamptz := date_trunc('month', since);
    following timestamptz;
    partition text;
    made      integer := 0;
BEGIN
    IF upto > since + interval '2 years' THEN
        RAISE EXCEPTION 'partitions are made for two years at most' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(7305801392406103);
    WHILE month <= upto LOOP
        following := month + interval '1 month';
        partition := 'activity_' || to_char(month, 'YYYY_MM');
        IF to_regclass('revenge.' || partition) IS NULL AND NOT EXISTS (
            SELECT FROM revenge.activity_default WHERE created_at >= month AND created_at < following
        ) THEN
            EXECUTE format(
                'CREATE TABLE revenge.%I PARTITION OF revenge.activity FOR VALUES FROM (%L) TO (%L)',
                partition, month, following
            );
            EXECUTE format(
                'CREATE TRIGGER never_emptied BEFORE TRUNCATE ON revenge.%I '
                'FOR EACH STATEMENT EXECUTE FUNCTION revenge.refuse_audit_change()',
                partition
            );
            made := made + 1;
        END IF;
        month := following;
    END LOOP;
    RETURN made;
END
$$;

-- Seals of the audit log ---------------------------------------------------------------------------------------------

-- Committed, and not in the chain yet. A row comes with its entry, so what waits is known exactly, in whatever order
-- transactions commit, and also after a restore. The digests are those of the moment when the entry was written.
CREATE TABLE revenge.activity_unsealed (
    entry_at timestamptz NOT NULL,
    entry_id uuid        NOT NULL,
    content  bytea       NOT NULL,
    personal bytea       NOT NULL,
    PRIMARY KEY (entry_at, entry_id)
);

-- The chain: hash n is the SHA-256 of hash n-1, the number, the entry's time and the content (rulings R28).
CREATE TABLE revenge.activity_seals (
    sequence bigint      NOT NULL PRIMARY KEY,
    entry_id uuid        NOT NULL,
    entry_at timestamptz NOT NULL,
    content  bytea       NOT NULL,
    personal bytea       NOT NULL,
    hash     bytea       NOT NULL,
    CONSTRAINT activity_seals_entry_unique UNIQUE (entry_id, entry_at)
);

-- Up to that seal the chain came to that hash, says whoever holds the key.
CREATE TABLE revenge.activity_checkpoints (
    sequence   bigint      NOT NULL PRIMARY KEY,
    hash       bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    key_id     text        NOT NULL,
    public_key bytea       NOT NULL,
    signature  bytea       NOT NULL,
    shipped_at timestamptz,
    -- Whoever may add checkpoints could otherwise add one at which every look at them fails.
    CONSTRAINT activity_checkpoints_time CHECK (created_at BETWEEN '1970-01-01T00:00Z' AND '9999-01-01T00:00Z')
);

CREATE INDEX activity_checkpoints_unshipped ON revenge.activity_checkpoints (sequence) WHERE shipped_at IS NULL;

-- What is left of entries that were kept long enough.
CREATE TABLE revenge.activity_retentions (
    number     bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dropped_at timestamptz NOT NULL,
    before     timestamptz NOT NULL,
    what       text        NOT NULL,
    entries    bigint      NOT NULL,
    sequence   bigint      NOT NULL,
    hash       bytea       NOT NULL,
    key_id     text,
    public_key bytea,
    signature  bytea,
    CONSTRAINT activity_retentions_time CHECK (dropped_at BETWEEN '1970-01-01T00:00Z' AND '9999-01-01T00:00Z'),
    CONSTRAINT activity_retentions_signed_whole CHECK (num_nulls(key_id, public_key, signature) IN (0, 3))
);

CREATE INDEX activity_on_behalf ON revenge.activity (on_behalf_of) WHERE on_behalf_of IS NOT NULL;

-- The part behind its length, so that none runs into the next.
CREATE FUNCTION revenge.framed(part bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE
RETURN coalesce(int4send(length(part)) || part, '\xffffffff'::bytea);

CREATE FUNCTION revenge.framed(part text) RETURNS bytea
LANGUAGE sql IMMUTABLE
RETURN revenge.framed(convert_to(part, 'UTF8'));

CREATE FUNCTION revenge.framed(part uuid) RETURNS bytea
LANGUAGE sql IMMUTABLE
RETURN revenge.framed(uuid_send(part));

-- What stands for an entry in the chain. `revenge_core.activity.policy` says the same in Python, and verifies with it:
-- who can change this function can change what is sealed, but not what was.
CREATE FUNCTION revenge.activity_digests(entry revenge.activity, OUT content bytea, OUT personal bytea)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    personal := sha256(
        'revenge audit personal v1'::bytea || revenge.framed(entry.salt) || revenge.framed(entry.resource_key)
        || revenge.framed(entry.changes::text) || revenge.framed(entry.address) || revenge.framed(entry.user_agent)
        || revenge.framed(entry.request_id)
    );
    content := sha256(
        'revenge audit entry v1'::bytea || uuid_send(entry.id)
        || int8send((extract(epoch FROM entry.created_at) * 1000000)::bigint) || revenge.framed(entry.actor_kind)
        || revenge.framed(entry.actor_id) || revenge.framed(entry.session_id) || revenge.framed(entry.key_id)
        || revenge.framed(entry.on_behalf_of) || revenge.framed(entry.action) || revenge.framed(entry.outcome)
        || revenge.framed(entry.reason) || revenge.framed(entry.resource_type) || revenge.framed(entry.resource_id)
        || personal
    );
END
$$;

CREATE FUNCTION revenge.note_activity() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry revenge.activity := NEW;
BEGIN
    -- Whoever may add entries could otherwise add one at which every look at the log fails.
    IF entry.created_at NOT BETWEEN '1970-01-01T00:00Z' AND '9999-01-01T00:00Z' THEN
        RAISE EXCEPTION 'the entry is of no time that there is' USING ERRCODE = 'datetime_field_overflow';
    END IF;
    -- The seal may be there still when the entry was dropped; a second one of the same would stop all sealing.
    IF EXISTS (SELECT FROM revenge.activity_seals WHERE entry_id = entry.id AND entry_at = entry.created_at) THEN
        RAISE EXCEPTION 'the entry was there before' USING ERRCODE = 'unique_violation';
    END IF;
    INSERT INTO revenge.activity_unsealed (entry_at, entry_id, content, personal)
    SELECT entry.created_at, entry.id, digests.content, digests.personal FROM revenge.activity_digests(entry) AS digests;
    RETURN NULL;
END
$$;

CREATE TRIGGER noted AFTER INSERT ON revenge.activity FOR EACH ROW EXECUTE FUNCTION revenge.note_activity();

-- Puts up to so many of the entries that wait into the chain; how many. The lock is held until the transaction ends:
-- whoever comes next reads what this one left.
CREATE FUNCTION revenge.seal_activity(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number   bigint;
    previous bytea;
    waiting  revenge.activity_unsealed;
    sealed   integer := 0;
BEGIN
    IF most IS NULL OR most NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'from 1 to 10000 entries are sealed at a time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(7305801392406104);
    SELECT sequence, hash INTO number, previous FROM revenge.activity_seals ORDER BY sequence DESC LIMIT 1;
    IF NOT FOUND THEN
        SELECT sequence, hash INTO number, previous FROM revenge.activity_retentions
         ORDER BY activity_retentions.number DESC LIMIT 1;
    END IF;
    number := coalesce(number, 0);
    previous := coalesce(previous, decode(repeat('00', 32), 'hex'));
    FOR waiting IN
        SELECT entry_at, entry_id, content, personal FROM revenge.activity_unsealed
         ORDER BY entry_at, entry_id LIMIT most
    LOOP
        number := number + 1;
        previous := sha256(
            previous || int8send(number) || int8send((extract(epoch FROM waiting.entry_at) * 1000000)::bigint)
            || waiting.content
        );
        INSERT INTO revenge.activity_seals (sequence, entry_id, entry_at, content, personal, hash)
        VALUES (number, waiting.entry_id, waiting.entry_at, waiting.content, waiting.personal, previous);
        DELETE FROM revenge.activity_unsealed WHERE entry_at = waiting.entry_at AND entry_id = waiting.entry_id;
        sealed := sealed + 1;
    END LOOP;
    RETURN sealed;
END
$$;

-- Erases what tells of an account that is gone from up to so many entries by or about it; how many.
CREATE FUNCTION revenge.erase_activity(who uuid, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    erased integer;
BEGIN
    IF EXISTS (SELECT FROM revenge.users WHERE id = who) THEN
        RAISE EXCEPTION 'the account is still there' USING ERRCODE = 'restrict_violation';
    END IF;
    -- Else whoever has the application's role could blank what is told of groups, keys and sessions.
    IF NOT EXISTS (SELECT FROM revenge.activity WHERE resource_id = who AND action = 'user.purge') THEN
        RAISE EXCEPTION 'nothing says that the account was erased' USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM set_config('revenge.audit_change', 'erasure', true);
    UPDATE revenge.activity AS entry
       SET resource_key = NULL, changes = '{}', address = NULL, user_agent = NULL, request_id = NULL, salt = ''
      FROM (
               SELECT id, created_at FROM revenge.activity
                WHERE (actor_id = who OR on_behalf_of = who OR resource_id = who) AND salt <> ''
                  AND action NOT IN ('activity.erase', 'user.purge')
                LIMIT most
           ) AS found
     WHERE entry.id = found.id AND entry.created_at = found.created_at;
    GET DIAGNOSTICS erased = ROW_COUNT;
    PERFORM set_config('revenge.audit_change', '', true);
    RETURN erased;
END
$$;

-- Drops the entries of the oldest month that ended by `keep_from`, or else up to 10,000 from before that which lie in no
-- partition of a month; leaves a row that says so, and returns its number; null if there is nothing to drop.
CREATE FUNCTION revenge.drop_activity(keep_from timestamptz, at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    edge      timestamptz := date_trunc('month', keep_from);
    dropped   text;
    gone      bigint;
    last_seal bigint;
    last_hash bytea;
    result    bigint;
BEGIN
    IF edge IS NULL OR edge > clock_timestamp() - interval '30 days' THEN
        RAISE EXCEPTION 'entries are kept for 30 days at least' USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock(7305801392406103);
    PERFORM pg_advisory_xact_lock(7305801392406104);
    SELECT relname INTO dropped
      FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = 'revenge.activity'::regclass AND relname ~ '^activity_[0-9]{4}_[0-9]{2}$'
       AND to_timestamp(right(relname, 7), 'YYYY_MM') + interval '1 month' <= edge
     ORDER BY relname LIMIT 1;
    IF FOUND THEN
        edge := to_timestamp(right(dropped, 7), 'YYYY_MM') + interval '1 month';
    END IF;
    IF EXISTS (SELECT FROM revenge.activity_unsealed WHERE entry_at < edge) THEN
        RAISE EXCEPTION 'entries wait to be sealed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF dropped IS NOT NULL THEN
        EXECUTE format('SELECT count(*) FROM revenge.%I', dropped) INTO gone;
        EXECUTE format('DROP TABLE revenge.%I', dropped);
    ELSE
        dropped := 'activity_default';
        PERFORM set_config('revenge.audit_change', 'retention', true);
        DELETE FROM revenge.activity_default
         WHERE ctid IN (SELECT ctid FROM revenge.activity_default WHERE created_at < edge LIMIT 10000);
        GET DIAGNOSTICS gone = ROW_COUNT;
        PERFORM set_config('revenge.audit_change', '', true);
        IF gone = 0 THEN
            RETURN NULL;
        END IF;
    END IF;
    -- Seals lie in the order of sealing: those before the first that stands for an entry which stays can go.
    SELECT sequence, hash INTO last_seal, last_hash FROM revenge.activity_seals
     WHERE sequence < (SELECT sequence FROM revenge.activity_seals WHERE entry_at >= edge ORDER BY sequence LIMIT 1)
        OR NOT EXISTS (SELECT FROM revenge.activity_seals WHERE entry_at >= edge)
     ORDER BY sequence DESC LIMIT 1;
    IF NOT FOUND THEN
        SELECT sequence, hash INTO last_seal, last_hash FROM revenge.activity_retentions ORDER BY number DESC LIMIT 1;
    END IF;
    INSERT INTO revenge.activity_retentions (dropped_at, before, what, entries, sequence, hash)
    VALUES (at, edge, dropped, gone, coalesce(last_seal, 0), coalesce(last_hash, decode(repeat('00', 32), 'hex')))
    RETURNING number INTO result;
    RETURN result;
END
$$;

-- Drops up to so many seals that the latest retention makes needless, with their checkpoints; how many.
CREATE FUNCTION revenge.drop_activity_seals(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    upto bigint;
    gone integer;
BEGIN
    IF most IS NULL OR most NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'from 1 to 10000 seals are dropped at a time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(7305801392406104);
    SELECT sequence INTO upto FROM revenge.activity_retentions ORDER BY number DESC LIMIT 1;
    -- Of null and a number the number is the least: without a retention every seal would be needless.
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT least(upto, min(sequence) + most - 1) INTO upto FROM revenge.activity_seals;
    DELETE FROM revenge.activity_seals WHERE sequence <= upto;
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM revenge.activity_checkpoints WHERE sequence <= upto;
    RETURN gone;
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA revenge FROM PUBLIC;

-- Background work -----------------------------------------------------------------------------------------------------

-- The job queue (decisions P4). A job is a row of one table in every state; finished ones stay until they were kept long
-- enough. Its times are the database's own: workers on several machines have no other clock in common (rulings R26).

CREATE TABLE revenge.jobs (
    id                  bigint      NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    kind                text        NOT NULL COLLATE "C",
    queue               text        NOT NULL COLLATE "C" DEFAULT 'default',
    priority            smallint    NOT NULL DEFAULT 3,
    state               text        NOT NULL COLLATE "C" DEFAULT 'available',
    args                jsonb       NOT NULL DEFAULT '{}',
    attempt             smallint    NOT NULL DEFAULT 0,
    max_attempts        smallint    NOT NULL DEFAULT 25,
    -- How often it was handed out, so it tells a late worker from the present one. It never goes back, but begins anew
    -- after two thousand million.
    run                 integer     NOT NULL DEFAULT 0,
    -- Seconds; null for a job that may take for ever.
    timeout             real        DEFAULT 60,
    created_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    scheduled_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempted_at        timestamptz,
    attempted_by        text        COLLATE "C",
    cancel_requested_at timestamptz,
    finalized_at        timestamptz,
    errors              jsonb       NOT NULL DEFAULT '[]',
    progress            jsonb,
    tags                text[]      NOT NULL DEFAULT '{}',
    metadata            jsonb       NOT NULL DEFAULT '{}',
    unique_key          bytea,
    unique_states       text[],
    CONSTRAINT jobs_state_known CHECK (
        state IN ('available', 'cancelled', 'completed', 'discarded', 'retryable', 'running', 'scheduled')
    ),
    CONSTRAINT jobs_priority_range CHECK (priority BETWEEN 1 AND 4),
    CONSTRAINT jobs_attempts_range CHECK (attempt >= 0 AND max_attempts >= 1),
    CONSTRAINT jobs_finished_when CHECK (
        (finalized_at IS NOT NULL) = (state IN ('cancelled', 'completed', 'discarded'))
    ),
    CONSTRAINT jobs_running_where CHECK (
        state <> 'running' OR (attempted_at IS NOT NULL AND attempted_by IS NOT NULL)
    ),
    CONSTRAINT jobs_unique_whole CHECK ((unique_key IS NULL) = (unique_states IS NULL)),
    -- So no unfinished job ever stands in another's way when it is promoted, retried or given back.
    CONSTRAINT jobs_unique_unfinished CHECK (unique_states @> '{available,retryable,running,scheduled}'),
    -- Rows may come from anywhere; these keep out what no worker could read, as that would hold up all others.
    CONSTRAINT jobs_readable CHECK (
        jsonb_typeof(metadata) = 'object' AND jsonb_typeof(errors) = 'array' AND jsonb_typeof(progress) = 'object'
        AND array_position(tags, NULL) IS NULL
        -- Of what is much longer than ten years the end is in no calendar.
        AND timeout > 0 AND timeout <= 315360000
        AND created_at >= '1970-01-01Z' AND created_at < '10000-01-01Z'
        AND scheduled_at >= '1970-01-01Z' AND scheduled_at < '10000-01-01Z'
        AND attempted_at >= '1970-01-01Z' AND attempted_at < '10000-01-01Z'
        AND cancel_requested_at >= '1970-01-01Z' AND cancel_requested_at < '10000-01-01Z'
        AND finalized_at >= '1970-01-01Z' AND finalized_at < '10000-01-01Z'
    )
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX jobs_fetch ON revenge.jobs (queue, priority, scheduled_at, id) WHERE state = 'available';
CREATE INDEX jobs_due ON revenge.jobs (scheduled_at) WHERE state IN ('retryable', 'scheduled');
CREATE INDEX jobs_running ON revenge.jobs (attempted_by) WHERE state = 'running';
CREATE INDEX jobs_finished ON revenge.jobs (state, finalized_at) WHERE finalized_at IS NOT NULL;
-- What administrators count and list, of millions of finished jobs. All of one state in one queue are one entry of it, so
-- it stays three times smaller than the others.
CREATE INDEX jobs_kept ON revenge.jobs (state, queue) WHERE state IN ('cancelled', 'completed', 'discarded');
CREATE UNIQUE INDEX jobs_unique ON revenge.jobs (unique_key) WHERE unique_key IS NOT NULL AND state = ANY (unique_states);

-- What became of the items of a long job: paths, addresses, ids.
CREATE TABLE revenge.job_items (
    job_id bigint      NOT NULL REFERENCES revenge.jobs ON DELETE CASCADE,
    item   text        NOT NULL COLLATE "C",
    status text        NOT NULL COLLATE "C",
    detail text,
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (job_id, item)
);

-- A queue has a row while there is something to say about it.
CREATE TABLE revenge.job_queues (
    name      text        NOT NULL COLLATE "C" PRIMARY KEY,
    paused_at timestamptz CHECK (paused_at >= '1970-01-01Z' AND paused_at < '10000-01-01Z')
);

CREATE TABLE revenge.job_schedules (
    name          text             NOT NULL COLLATE "C" PRIMARY KEY,
    kind          text             NOT NULL COLLATE "C",
    queue         text             NOT NULL COLLATE "C",
    priority      smallint         NOT NULL,
    max_attempts  smallint         NOT NULL,
    timeout       real,
    args          jsonb            NOT NULL,
    unique_key    bytea,
    unique_states text[],
    -- Seconds.
    every         double precision NOT NULL CHECK (every BETWEEN 1 AND 3155760000),
    "offset"      double precision NOT NULL CHECK ("offset" >= 0 AND "offset" < every),
    missed        text             NOT NULL COLLATE "C" CHECK (missed IN ('all', 'once', 'skip')),
    next_run_at   timestamptz      NOT NULL,
    last_run_at   timestamptz,
    last_job_id   bigint,
    paused_at     timestamptz,
    declared_at   timestamptz      NOT NULL DEFAULT clock_timestamp(),
    -- A tick that makes no job, or none that could be read, would hold up those of all others.
    CONSTRAINT job_schedules_fit CHECK (
        priority BETWEEN 1 AND 4 AND max_attempts >= 1 AND timeout > 0 AND timeout <= 315360000
        AND (unique_key IS NULL) = (unique_states IS NULL)
        AND unique_states @> '{available,retryable,running,scheduled}'
        AND next_run_at >= '1970-01-01Z' AND next_run_at < '10000-01-01Z'
        AND last_run_at >= '1970-01-01Z' AND last_run_at < '10000-01-01Z'
        AND paused_at >= '1970-01-01Z' AND paused_at < '10000-01-01Z'
    )
);

-- Leases. They need not survive a crash of the database, and cost less for it; whoever rescues jobs waits one lease
-- after a crash or a start, so that the workers of an emptied table are not taken for dead (rulings R5).
CREATE UNLOGGED TABLE revenge.job_workers (
    id         text        NOT NULL COLLATE "C" PRIMARY KEY,
    host       text        NOT NULL,
    pid        integer     NOT NULL,
    version    text        NOT NULL,
    queues     jsonb       NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row, made by the first worker that comes: who leads, and since when leases have been kept.
CREATE UNLOGGED TABLE revenge.job_leader (
    is_only      boolean     NOT NULL DEFAULT true PRIMARY KEY CHECK (is_only),
    leases_since timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker_id    text        COLLATE "C",
    expires_at   timestamptz
);

-- Recovery, invitations, preferences, pictures, known devices, counts of guesses, repeated requests --------------------

CREATE TABLE revenge.user_preferences (
    user_id              uuid    NOT NULL PRIMARY KEY REFERENCES revenge.users ON DELETE CASCADE,
    email_notifications  jsonb   NOT NULL,
    push_notifications   jsonb   NOT NULL,
    digest_notifications jsonb   NOT NULL,
    profile_visibility   text    NOT NULL,
    show_email           boolean NOT NULL,
    show_activity        boolean NOT NULL,
    theme                text    NOT NULL,
    display_language     text    NOT NULL,
    content_language     text    NOT NULL,
    metadata_language    text    NOT NULL,
    show_adult_content   boolean NOT NULL,
    show_spoilers        boolean NOT NULL,
    auto_play_videos     boolean NOT NULL,
    version              integer NOT NULL
);

-- One row for each user who ever had a picture: the number of the latest goes on counting when it is removed.
CREATE TABLE revenge.user_avatars (
    user_id     uuid        NOT NULL PRIMARY KEY REFERENCES revenge.users ON DELETE CASCADE,
    version     integer     NOT NULL,
    id          uuid,
    key         text        COLLATE "C",
    size        bigint,
    media_type  text,
    width       integer,
    height      integer,
    uploaded_at timestamptz,
    CONSTRAINT user_avatars_all_or_nothing
        CHECK (num_nulls(id, key, size, media_type, width, height, uploaded_at) IN (0, 7))
);

CREATE TABLE revenge.one_time_tokens (
    token_hash bytea       NOT NULL PRIMARY KEY,
    purpose    text        NOT NULL COLLATE "C",
    user_id    uuid        NOT NULL REFERENCES revenge.users ON DELETE CASCADE,
    -- None: the link was handed over, so it proves nothing about any address.
    email      text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- A new one takes the place of the old: of what was mailed, the latest is good.
    CONSTRAINT one_time_tokens_latest UNIQUE (user_id, purpose)
);

CREATE INDEX one_time_tokens_expires ON revenge.one_time_tokens (expires_at);

-- Coming and going ---------------------------------------------------------------------------------------------------

CREATE TABLE revenge.invitations (
    id         uuid        NOT NULL PRIMARY KEY,
    token_hash bytea       NOT NULL,
    role       text        NOT NULL COLLATE "C" REFERENCES revenge.roles ON DELETE CASCADE,
    libraries  text[]      NOT NULL,
    uses       integer     NOT NULL CHECK (uses > 0),
    used       integer     NOT NULL CHECK (used BETWEEN 0 AND uses),
    email      text,
    note       text,
    created_by uuid        REFERENCES revenge.users ON DELETE SET NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT invitations_token_unique UNIQUE (token_hash)
);

CREATE INDEX invitations_newest ON revenge.invitations (created_at, id);
CREATE INDEX invitations_role ON revenge.invitations (role);
CREATE INDEX invitations_created_by ON revenge.invitations (created_by) WHERE created_by IS NOT NULL;

CREATE TABLE revenge.exports (
    user_id      uuid        NOT NULL PRIMARY KEY REFERENCES revenge.users ON DELETE CASCADE,
    id           uuid        NOT NULL,
    state        text        NOT NULL,
    requested_at timestamptz NOT NULL,
    finished_at  timestamptz,
    expires_at   timestamptz,
    key          text        COLLATE "C",
    size         bigint,
    CONSTRAINT exports_id_unique UNIQUE (id)
);

CREATE INDEX exports_expires ON revenge.exports (expires_at) WHERE key IS NOT NULL;

-- Devices and guesses ------------------------------------------------------------------------------------------------

CREATE TABLE revenge.device_tokens (
    token_hash   bytea       NOT NULL PRIMARY KEY,
    device_id    uuid        NOT NULL REFERENCES revenge.session_devices ON DELETE CASCADE,
    user_id      uuid        NOT NULL REFERENCES revenge.users ON DELETE CASCADE,
    issued_at    timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL
);

CREATE INDEX device_tokens_device ON revenge.device_tokens (device_id, issued_at);
CREATE INDEX device_tokens_user ON revenge.device_tokens (user_id);

-- No foreign key: names that nobody has are guessed at, too.
-- Every sign-in changes three rows three times. So no index but that of the key, and room on each page for the changed
-- rows: then no index has to be touched. What looks for old ones reads the whole table, once in an hour.
CREATE TABLE revenge.guesses (
    key     text             NOT NULL COLLATE "C" PRIMARY KEY,
    used    double precision NOT NULL,
    at      timestamptz      NOT NULL,
    refused integer          NOT NULL,
    told_at timestamptz
) WITH (fillfactor = 50);

CREATE TABLE revenge.idempotency_keys (
    caller      text        NOT NULL COLLATE "C",
    operation   text        NOT NULL COLLATE "C",
    key_hash    bytea       NOT NULL,
    fingerprint bytea       NOT NULL,
    begun_at    timestamptz NOT NULL,
    status      integer,
    body        bytea,
    location    text,
    PRIMARY KEY (caller, operation, key_hash)
);

CREATE INDEX idempotency_keys_begun ON revenge.idempotency_keys (begun_at);
