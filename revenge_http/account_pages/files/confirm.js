// A page with one button, which uses the token of the link. It waits for the press: programs that look into mail open
// every link, and would use it up.

import { ask } from "./api.js";
import { onSubmit, show } from "./form.js";
import { onToken } from "./token.js";

/** Send the token to `path` when the button is pressed. */
export function confirmToken(path) {
  let token = "";
  onToken((found) => {
    token = found;
    show("asking", { focus: false });
  });
  onSubmit(document.querySelector("#asking form"), async (fields) => {
    await ask("POST", path, { token, ...fields });
    show("done");
  });
}
