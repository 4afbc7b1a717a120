// The token of a mailed link, which stands behind the # and so never reaches a server's log (ASVS 14.2.1).

import { show } from "./form.js";

/** Begin with the token of the link, as soon as there is one; it leaves the address bar and the history at once. */
export function onToken(begin) {
  const look = () => {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    history.replaceState(null, "", location.pathname);
    if (token) {
      begin(token);
    }
    return Boolean(token);
  };
  // Another link into an open page changes nothing but what stands behind the #.
  addEventListener("hashchange", () => location.hash && look());
  if (!look()) {
    show("missing", { focus: false });
  }
}
