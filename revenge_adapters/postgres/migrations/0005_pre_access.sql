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
CREATE INDEX activity_failures ON revenge.activity (created_at, id) WHERE outcome = 'failure';
