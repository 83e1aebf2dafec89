//! Auth: one file an RPC.

mod begin_passkey_sign_in;
mod enrol_mfa;
mod finish_passkey_sign_in;
mod forgot_password;
mod get_user_info;
mod introspect_token;
mod issue_token;
mod list_json_web_keys;
mod list_permissions;
mod logout;
mod passkey_factor;
mod refresh_token;
mod reset_forgotten_password;
mod revoke_token;
mod second_factor_limits;
mod send_mfa_code;
mod short_way;
mod verify_mfa;
