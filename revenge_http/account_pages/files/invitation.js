import { Problem, ask } from "./api.js";
import { onSubmit, show, tell } from "./form.js";
import { onToken } from "./token.js";

const form = document.querySelector("#asking form");
let token = "";

onToken(async (found) => {
  token = found;
  try {
    const invitation = await ask("POST", "auth/invitation", { token });
    const until = new Date(invitation.expires_at).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
    document.querySelector("#until").textContent = `The invitation is good until ${until}.`;
    if (invitation.email) {
      form.elements.email.value = invitation.email;
      form.elements.email.readOnly = true;
    }
    show("asking", { focus: false });
  } catch (problem) {
    if (!(problem instanceof Problem)) {
      throw problem;
    }
    show("refused", { focus: false });
    tell(document.querySelector("#refused"), problem);
  }
});

onSubmit(form, async (fields) => {
  await ask("POST", "auth/register", { ...fields, invitation: token });
  show("done");
});
