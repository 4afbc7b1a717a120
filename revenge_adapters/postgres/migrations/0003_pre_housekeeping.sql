-- Sessions that ended long ago are forgotten, the longest ended first (decisions I6). Without this each batch of a large
-- backlog would read and sort all of them. Sessions that are still open are not in it: noting activity, which happens
-- all the time, goes on without touching an index.
CREATE INDEX sessions_ended ON revenge.sessions (ended_at) WHERE ended_at IS NOT NULL;
