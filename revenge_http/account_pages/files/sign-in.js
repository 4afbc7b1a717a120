import { Problem, ask, askSignedIn, csrfToken } from "./api.js";
import { onSubmit, show } from "./form.js";

const signingIn = document.querySelector("#out form");
const verification = document.querySelector("#verification");

function welcome(user) {
  document.querySelector("#name").textContent = user.display_name ?? user.username;
  verification.hidden = user.email_verified;
  verification.querySelector("[role=status]").textContent = "";
}

onSubmit(signingIn, async (fields) => {
  const { user } = await ask("POST", "auth/login", { ...fields, client_type: "browser" });
  if (!csrfToken()) {
    const detail = "You cannot stay signed in: this browser keeps no cookies of this server, or got none";
    throw new Problem(undefined, { detail });
  }
  signingIn.reset();
  welcome(user);
  show("in");
});

onSubmit(verification, async () => {
  await askSignedIn("POST", "auth/resend-verification");
  verification.querySelector("[role=status]").textContent = "The mail is on its way.";
});

onSubmit(document.querySelector("#leaving"), async () => {
  try {
    await askSignedIn("POST", "auth/logout");
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 401) {
      throw problem;
    }
    // The session had ended already.
  }
  show("out");
  document.querySelector("#signed-out").textContent = "You are signed out.";
});

async function begin() {
  if (document.documentElement.dataset.cookies === "off") {
    show("off", { focus: false });
    return;
  }
  if (csrfToken()) {
    try {
      welcome(await askSignedIn("GET", "users/me"));
      show("in", { focus: false });
      return;
    } catch (problem) {
      if (!(problem instanceof Problem)) {
        throw problem;
      }
      // Whatever it was: signing in anew mends it, or says what is wrong.
    }
  }
  show("out", { focus: false });
}

await begin();
