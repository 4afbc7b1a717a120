// The API of this server, as its own pages call it.

const base = new URL("../api/v1/", location.href);
const cookiesAreOn = document.documentElement.dataset.cookies === "on";

/** What the server refused (RFC 9457), or that it cannot be reached. */
export class Problem extends Error {
  /** @param {Response} [answer] @param {{detail?: string, errors?: {pointer: string, detail: string}[]}} [said] */
  constructor(answer, said) {
    super(said?.detail ?? "The server cannot be reached. Try again when the connection is back");
    this.status = answer?.status ?? 0;
    this.errors = said?.errors ?? [];
    this.seconds = Number(answer?.headers.get("retry-after")) || 0;
  }
}

/** The CSRF token of this browser's session; empty where nobody is signed in. */
export function csrfToken() {
  const found = document.cookie.split("; ").find((one) => one.startsWith("revenge_csrf="));
  return found ? found.slice("revenge_csrf=".length) : "";
}

/** Ask as nobody in particular. Returns what is answered, null where that is nothing. */
export async function ask(method, path, body) {
  return read(await send(method, path, body));
}

/** Ask as whoever is signed in; an access cookie that ran out is replaced on the way. */
export async function askSignedIn(method, path, body) {
  const answer = await send(method, path, body);
  if (answer.status !== 401 || !csrfToken()) {
    return read(answer);
  }
  await ask("POST", "auth/refresh");
  return ask(method, path, body);
}

async function send(method, path, body) {
  const headers = new Headers();
  if (body !== undefined) {
    headers.set("Content-Type", "application/json");
  }
  if (method !== "GET" && csrfToken()) {
    headers.set("X-CSRF-Token", csrfToken());
  }
  try {
    return await fetch(new URL(path, base), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: cookiesAreOn ? "same-origin" : "omit",
      cache: "no-store",
    });
  } catch {
    throw new Problem();
  }
}

async function read(answer) {
  const said = await answer.json().catch(() => null);
  if (!answer.ok) {
    throw new Problem(answer, said ?? { detail: `The server answered ${answer.status}` });
  }
  return said;
}
