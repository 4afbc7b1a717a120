"""The contract of the original (`contract-core.json`, a copy of the project's specification) and our OpenAPI document.

An operation of ours has its method, path and name, takes its request fields, answers its success status and carries its
response fields, all of the same type. What is still to come is listed by name below: the list only gets shorter.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from revenge_http.app import OPERATIONS
from revenge_http.openapi import document
from revenge_http.options import HttpOptions

Json = dict[str, Any]

CONTRACT: Final[dict[str, Json]] = {
    operation["operationId"]: operation
    for operation in json.loads(Path(__file__).with_name("contract-core.json").read_text())
}
DOCUMENT: Final = document(OPERATIONS, HttpOptions())
OURS: Final[dict[str, Json]] = {
    operation["operationId"]: operation | {"method": method.upper(), "path": path}
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
OUR_OWN: Final = {
    "deleteAvatar",
    "getAvatarFile",
    "adminListAPIKeys",
    "adminRevokeAPIKey",
    "getAPIKeyUses",
    "rotateAPIKey",
    "updateAPIKey",
    "adminCreateInvitation",
    "adminCreateUser",
    "adminDisableUser",
    "adminEnableUser",
    "adminGetInvitation",
    "adminGetUser",
    "adminListInvitations",
    "adminRestoreUser",
    "adminRevokeInvitation",
    "adminRevokeUserSessions",
    "adminSendPasswordReset",
    "adminUpdateUser",
    "adminClearLimits",
    "adminListLimits",
    "adminListUserSessions",
    "forgetDevice",
    "listDevices",
    "reauthenticate",
    "bootstrap",
    "deleteCurrentUser",
    "addGroupMember",
    "createGroup",
    "deleteGroup",
    "explainAccess",
    "getGroup",
    "getUserPermissions",
    "listGroupMembers",
    "listGroups",
    "removeGroupMember",
    "updateGroup",
    "downloadOwnExport",
    "exportActivityLogs",
    "exportOwnData",
    "getOwnActivity",
    "getOwnExport",
    "lookAtInvitation",
    "listRoleUsers",
    "patchCurrentUser",
    "patchUserPreferences",
    "updateRole",
}
"""What the original does not have (decisions I1, I10, I11)."""
JOBS: Final = frozenset(
    """
    adminCancelJob adminCancelJobs adminCountJobs adminDeleteJob adminDeleteJobs adminGetJob adminListJobItems
    adminListJobs adminListQueues adminListSchedules adminListWorkers adminPauseQueue adminPauseSchedule
    adminResumeQueue adminResumeSchedule adminRetryJob adminRetryJobs adminRunSchedule
    """.split()  # noqa: SIM905 (as the list below)
)
"""Looking after jobs, which the original does elsewhere (decisions P4)."""
TO_COME: Final = frozenset(
    """
    adminCreateOIDCProvider adminDeleteOIDCProvider adminDisableOIDCProvider
    adminEnableOIDCProvider adminGetOIDCProvider adminListOIDCProviders adminSetDefaultOIDCProvider
    adminUpdateOIDCProvider beginWebAuthnLogin beginWebAuthnRegistration createLibrary
    deleteLibrary deleteUserSetting deleteWebAuthnCredential disableMFA disableTOTP enableMFA
    finishWebAuthnLogin finishWebAuthnRegistration generateBackupCodes
    getLibrary getMFAStatus getServerSetting
    getUserSetting grantLibraryPermission initOIDCLink
    listLibraries listLibraryPermissions listLibraryScans listOIDCProviders
    listServerSettings listUserOIDCLinks listUserSettings listWebAuthnCredentials oidcAuthorize oidcCallback
    regenerateBackupCodes renameWebAuthnCredential
    revokeLibraryPermission setupTOTP triggerLibraryScan unlinkOIDCProvider
    updateLibrary updateServerSetting updateUserSetting
    verifyTOTP
    """.split()  # noqa: SIM905 (as a list it would be the longest part of this file)
)
HERE: Final = sorted(CONTRACT.keys() - TO_COME)

LIBERAL: Final = {("logout", "refresh_token"), ("refreshToken", "refresh_token"), ("refreshSession", "refresh_token")}
"""Required there, not here: known clients leave it out (decisions W11), browsers send a cookie instead (W9)."""

HIDDEN: Final = {("getUserById", "email")}
"""Always there in the original; here strangers see it if its owner shows it (rulings R10)."""


def test_the_list_of_what_is_to_come_names_operations_of_the_contract() -> None:
    assert TO_COME - CONTRACT.keys() == set()


def test_what_is_listed_as_still_to_come_is_not_there_yet() -> None:
    assert TO_COME & OURS.keys() == set(), "take these off the list"


def test_what_is_not_listed_as_still_to_come_is_there() -> None:
    assert CONTRACT.keys() - OURS.keys() - TO_COME == set()


def test_what_is_there_is_in_the_contract_or_known_to_be_our_own() -> None:
    assert OURS.keys() - CONTRACT.keys() == OUR_OWN | JOBS


@pytest.mark.parametrize("name", HERE)
def test_method_and_path_are_those_of_the_contract(name: str) -> None:
    theirs, ours = CONTRACT[name], OURS[name]
    assert (ours["method"], ours["path"]) == (theirs["method"], theirs["path"])


@pytest.mark.parametrize("name", HERE)
def test_an_operation_asks_for_a_credential_where_the_contract_does(name: str) -> None:
    alternatives = OURS[name]["security"]
    assert (alternatives != [] and {} not in alternatives) == bool(CONTRACT[name]["auth"])


@pytest.mark.parametrize("name", HERE)
def test_parameters_of_the_contract_are_taken(name: str) -> None:
    ours = {(one["in"], one["name"]): one for one in OURS[name].get("parameters", ())}
    for theirs in CONTRACT[name]["params"]:
        mine = ours[theirs["in"], theirs["name"]]
        assert kind(mine["schema"]) == kind(theirs)
        assert not mine["required"] or theirs["required"]


@pytest.mark.parametrize("name", HERE)
def test_request_fields_of_the_contract_are_taken(name: str) -> None:
    theirs = CONTRACT[name]["request"]
    if theirs is None:
        assert "requestBody" not in OURS[name]
        return
    schema = resolved(OURS[name]["requestBody"]["content"][theirs["content_type"]]["schema"])
    for field in theirs["fields"]:
        compare(field, schema, f"{name} request")
    asked = {field["name"] for field in theirs["fields"] if field["required"]}
    more = set(schema.get("required", ())) - asked
    assert more == set(), "a client of the original does not send these"
    fewer = {(name, field) for field in asked - set(schema.get("required", ()))}
    assert fewer <= LIBERAL


@pytest.mark.parametrize("name", HERE)
def test_success_statuses_and_response_fields_are_those_of_the_contract(name: str) -> None:
    for status, theirs in CONTRACT[name]["responses"].items():
        if theirs.get("response_ref") or theirs.get("schema") == "Error":
            continue  # errors have one shape of ours, which has the contract's fields (rulings R10)
        response = OURS[name]["responses"][status]
        if not theirs["content_type"]:
            assert "content" not in response
            continue
        schema = resolved(response["content"][theirs["content_type"]]["schema"])
        for field in theirs["fields"]:
            compare(field, schema, f"{name} {status}")
            if (name, field["name"]) not in HIDDEN:
                assert not field["required"] or field["name"] in schema["required"]


@pytest.mark.parametrize("name", HERE)
def test_an_operation_has_no_success_status_of_its_own(name: str) -> None:
    assert successes(OURS[name]) == successes(CONTRACT[name])


def test_the_one_error_has_the_fields_of_the_contracts_error() -> None:
    schema = resolved({"$ref": "#/components/schemas/Problem"})
    assert {"code", "message"} <= set(schema["required"])
    assert (kind(schema["properties"]["code"]), kind(schema["properties"]["message"])) == ("integer", "string")


def successes(operation: Json) -> set[str]:
    return {status for status in operation["responses"] if status.startswith("2")}


def compare(theirs: Json, schema: Json, place: str) -> None:
    """One field of the contract, and all below it, in our schema."""
    place = f"{place}.{theirs['name']}"
    assert theirs["name"] in schema["properties"], place
    ours = resolved(schema["properties"][theirs["name"]])
    assert kind(ours) == kind(theirs), place
    assert set(theirs.get("enum", ())) <= set(ours.get("enum", ())), place
    for limit in ("minLength", "maxLength", "pattern"):
        assert ours.get(limit) == theirs.get(limit, ours.get(limit)), f"{place}: {limit}"
    if kind(theirs) == "string" and "format" in theirs:
        assert ours.get("format") == theirs["format"], place
    for field in theirs.get("fields", ()):
        compare(field, ours, place)
    if "items" in theirs:
        item = resolved(ours["items"])
        assert kind(item) == kind(theirs["items"]), place
        for field in theirs["items"].get("fields", ()):
            compare(field, item, f"{place}[]")


def resolved(schema: Json) -> Json:
    """The schema itself, where `schema` only points to it, or says that it may be null as well."""
    alternatives = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(alternatives) == 1:
        return resolved(alternatives[0])
    if "$ref" not in schema:
        return schema
    found: Json = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def kind(schema: Json) -> str:
    """The JSON type; an enumeration of text is text."""
    return str(resolved(schema).get("type") or "string")
