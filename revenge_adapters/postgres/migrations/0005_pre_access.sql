-- Roles that change, groups, API keys, seals of the audit log.
--
-- Servers of the version before go on reading, but can grant no role any more: nobody registers there until they are
-- upgraded, too.

-- Roles --------------------------------------------------------------------------------------------------------------

ALTER TABLE revenge.roles ADD COLUMN version integer NOT NULL DEFAULT 0;
ALTER TABLE revenge.roles ALTER COLUMN version DROP DEFAULT;
-- Nobody tells `Admin` from `admin`.
CREATE UNIQUE INDEX roles_name_unique ON revenge.roles (lower(name));

ALTER TABLE revenge.role_permissions ADD COLUMN source text NOT NULL DEFAULT 'built_in';
ALTER TABLE revenge.role_permissions ALTER COLUMN source DROP DEFAULT;

CREATE INDEX role_parents_parent ON revenge.role_parents (parent);

-- What one source granted, another never takes away: each has its own row (decisions A1).
ALTER TABLE revenge.user_roles DROP CONSTRAINT user_roles_pkey;
ALTER TABLE revenge.user_roles ALTER COLUMN source TYPE text COLLATE "C";
ALTER TABLE revenge.user_roles ADD PRIMARY KEY (user_id, role, source);

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

-- Reading the audit log ----------------------------------------------------------------------------------------------

ALTER TABLE revenge.activity ADD COLUMN key_id uuid;

-- One for each filter, in the order of the list. Whoever filters by several things gets the index of one of them.
CREATE INDEX activity_by_action ON revenge.activity (action, created_at, id);
CREATE INDEX activity_by_resource ON revenge.activity (resource_id, created_at, id) WHERE resource_id IS NOT NULL;
CREATE INDEX activity_by_type ON revenge.activity (resource_type, created_at, id) WHERE resource_type IS NOT NULL;
CREATE INDEX activity_by_address ON revenge.activity (address, created_at, id) WHERE address IS NOT NULL;
CREATE INDEX activity_failures ON revenge.activity (created_at, id) WHERE outcome = 'failure';

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

INSERT INTO revenge.activity_unsealed (entry_at, entry_id, content, personal)
SELECT entry.created_at, entry.id, digests.content, digests.personal
  FROM revenge.activity AS entry, revenge.activity_digests(entry) AS digests;

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

-- Where owner and application are one role this is no more than a guard (rulings R27). Two functions of the owner say
-- what they are about: erasure takes what tells of a person and nothing else, retention what is older than 30 days.
CREATE OR REPLACE FUNCTION revenge.refuse_audit_change() RETURNS trigger
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

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA revenge FROM PUBLIC;
