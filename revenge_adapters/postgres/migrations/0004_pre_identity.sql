-- Recovery, invitations, preferences, pictures, known devices, counts of guesses, repeated requests.

-- Accounts -----------------------------------------------------------------------------------------------------------

ALTER TABLE revenge.users
    ADD COLUMN pending_email text,
    ADD COLUMN version       integer NOT NULL DEFAULT 0,
    ADD COLUMN purge_at      timestamptz,
    ADD COLUMN may_return    boolean NOT NULL DEFAULT false,
    -- In which form people are looked for by the name that they show.
    ADD COLUMN display_name_key text COLLATE "C",
    -- What is deleted has a day on which its names are free again; what lives has none (rulings R20).
    ADD CONSTRAINT users_deleted_is_purged CHECK ((deleted_at IS NULL) = (purge_at IS NULL)),
    ADD CONSTRAINT users_only_deleted_return CHECK (deleted_at IS NOT NULL OR NOT may_return);

UPDATE revenge.users SET display_name_key = lower(normalize(display_name, NFKC)) WHERE display_name IS NOT NULL;

-- Rows say all of this themselves from now on.
ALTER TABLE revenge.users ALTER COLUMN version DROP DEFAULT, ALTER COLUMN may_return DROP DEFAULT;

CREATE INDEX users_newest ON revenge.users (created_at, id);
CREATE INDEX users_due ON revenge.users (purge_at) WHERE purge_at IS NOT NULL;

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
