import { ask } from "./api.js";
import { onSubmit, show } from "./form.js";

onSubmit(document.querySelector("#asking form"), async (fields) => {
  await ask("POST", "auth/forgot-password", fields);
  show("done");
});
