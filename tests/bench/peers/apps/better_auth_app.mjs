// better-auth as its documentation sets it up for Node and pg: sessions in the database, or in a signed cookie for five
// minutes at a time (BENCH_COOKIE_CACHE=1). Argon2 is the documented exchange for its own hash, at everybody's cost.
// PostgreSQL is the one that PGHOST and its likes name.
import { createServer } from "node:http";

import { hash, verify } from "@node-rs/argon2";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { Pool } from "pg";

const port = Number(process.env.BENCH_PORT);
const cost = {
  memoryCost: Number(process.env.BENCH_MEMORY_KIB),
  timeCost: Number(process.env.BENCH_PASSES),
  parallelism: 1,
};

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret: "a secret for nothing but this measurement",
  database: new Pool(),
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  emailAndPassword: {
    enabled: true,
    password: {
      hash: (password) => hash(password, cost),
      verify: ({ hash: kept, password }) => verify(kept, password),
    },
  },
  session: { cookieCache: { enabled: process.env.BENCH_COOKIE_CACHE === "1", maxAge: 300 } },
  user: {
    additionalFields: {
      locale: { type: "string", defaultValue: "en-US", input: false },
      timezone: { type: "string", defaultValue: "UTC", input: false },
    },
  },
});

await (await getMigrations(auth.options)).runMigrations();
createServer(toNodeHandler(auth)).listen(port, "127.0.0.1");
