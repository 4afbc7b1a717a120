import { confirmToken } from "./confirm.js";

confirmToken("auth/verify-email");
