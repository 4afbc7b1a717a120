import { confirmToken } from "./confirm.js";

confirmToken("auth/reset-password");
