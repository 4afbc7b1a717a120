"""One example per record of the wire, for the documentation. They are real records, so they cannot be wrong."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec.structs import asdict

from revenge_core.accounts.entities import ExportState
from revenge_core.background import UNFINISHED, ItemStatus, JobState, Missed, Queue
from revenge_core.health.entities import Status
from revenge_core.jobs.entities import WORKERS
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import ClientType
from revenge_core.users.entities import MailFrequency, Theme, Visibility
from revenge_http.activity_examples import ACTIVITY_EXAMPLES, OWN_ENTRY
from revenge_http.admin_users import (
    AdminUser,
    AdminUserCreate,
    AdminUserCreated,
    AdminUserListResponse,
    AdminUserUpdate,
    RevokedSessions,
)
from revenge_http.api_key_examples import API_KEY_EXAMPLES
from revenge_http.auth import (
    ChangePasswordRequest,
    LoginRequest,
    LoginResponse,
    LogoutRequest,
    ReauthenticateRequest,
    ReauthenticateResponse,
    RefreshRequest,
    RefreshResponse,
)
from revenge_http.avatars import Avatar
from revenge_http.devices import DeviceInfo, DeviceListResponse
from revenge_http.exports import Export
from revenge_http.group_examples import GROUP_EXAMPLES
from revenge_http.health import HealthCheck
from revenge_http.invitations import InvitationCreate, InvitationCreated, InvitationInfo, InvitationList
from revenge_http.job_filter import JobFilter, JobSelection
from revenge_http.job_records import (
    ItemInfo,
    ItemList,
    JobCounts,
    JobDetails,
    JobFailure,
    JobInfo,
    JobList,
    JobProgress,
)
from revenge_http.jobs_bulk import JobResult, JobResults
from revenge_http.limits import GuessLimit, GuessLimitList
from revenge_http.own_activity import OwnActivity
from revenge_http.preferences import (
    DigestNotifications,
    EmailNotifications,
    PushNotifications,
    UserPreferences,
    UserPreferencesUpdate,
)
from revenge_http.problems import Problem
from revenge_http.queues import JobQueue, JobQueueList
from revenge_http.recovery import ForgotPasswordRequest, ResetPasswordRequest, VerifyEmailRequest
from revenge_http.registration import BootstrapRequest, InvitationOffer, InvitationToken, RegisterRequest
from revenge_http.role_examples import ROLE_EXAMPLES
from revenge_http.schedules import Schedule, ScheduleList
from revenge_http.sessions import SessionInfo, SessionListResponse
from revenge_http.users import Profile, User, UserUpdate
from revenge_http.wire import Wire
from revenge_http.workers import Worker, WorkerList

_THEN: Final = datetime(2026, 2, 14, 10, tzinfo=UTC)
_LATER: Final = datetime(2026, 5, 15, 10, tzinfo=UTC)
_ACCESS: Final = Secret("eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.….…")
_REFRESH: Final = Secret("5f1c…64 hexadecimal digits")
_DEVICE: Final = Secret("91aa…64 hexadecimal digits")
_PASSWORD: Final = Secret("seven purple umbrellas")

_user: Final = User(
    id=UUID("019c5b1e-5e00-7000-8000-000000000001"),
    username="ada",
    email="ada@example.org",
    display_name="Ada",
    locale="en-US",
    timezone="Europe/Zurich",
    qar_enabled=False,
    is_active=True,
    is_admin=False,
    email_verified=False,
    created_at=_THEN,
    last_login_at=_THEN,
)
_admin_user: Final = AdminUser(**asdict(_user), roles=["user"])
_invitation: Final = InvitationInfo(
    id=UUID("019c5b1e-5e00-7000-8000-000000000004"),
    role="user",
    libraries=[],
    uses=1,
    used=0,
    email="grace@example.org",
    created_by=_user.id,
    created_at=_THEN,
    expires_at=_LATER,
)
_INVITED: Final = Secret("0b5e…64 hexadecimal digits")
_session: Final = SessionInfo(
    id=UUID("019c5b1e-5e00-7000-8000-000000000002"),
    device_name="Living room",
    client_type="tv",
    ip_address="192.0.2.7",
    user_agent="RevengeTV/2.1",
    created_at=_THEN,
    last_activity_at=_THEN,
    expires_at=_LATER,
    is_active=True,
    is_current=True,
)
_device: Final = DeviceInfo(
    id=UUID("019c5b1e-5e00-7000-8000-000000000006"),
    name="Living room",
    client_type="tv",
    last_address="192.0.2.7",
    created_at=_THEN,
    last_seen_at=_THEN,
    is_current=True,
    is_known=True,
)
_count: Final = GuessLimit(key="pair:019c5b1e-5e00-7000-8000-000000000001 192.0.2.66", used=4.7, at=_THEN, refused=12)
_progress: Final = JobProgress(phase="reading", current=450, total=1000, message="Season 2")
_job: Final = JobInfo(
    id=4711,
    kind="scan_library",
    queue=Queue.BULK,
    priority=3,
    state=JobState.RUNNING,
    attempt=2,
    max_attempts=25,
    created_at=_THEN,
    scheduled_at=_THEN,
    attempted_at=_THEN,
    attempted_by="media-1:2301",
    tags=["library:films"],
    progress=_progress,
)
_counts: Final = JobCounts.of({Queue.BULK: {JobState.RUNNING: 1}, Queue.DEFAULT: {JobState.COMPLETED: 812}})
_queue: Final = JobQueue(
    name=Queue.BULK,
    paused=True,
    paused_at=_THEN,
    workers=WORKERS[Queue.BULK],
    counts={state: int(state is JobState.RUNNING) for state in sorted(UNFINISHED)},
)
_schedule: Final = Schedule(
    name="session_maintenance_hourly",
    kind="session_maintenance",
    queue=Queue.LOW,
    every=3600,
    offset=420,
    missed=Missed.ONCE,
    next_run_at=_LATER,
    last_run_at=_THEN,
    last_job_id=4711,
    paused=False,
)
_worker: Final = Worker(
    id="media-1:2301",
    host="media-1",
    pid=2301,
    version="0.2.0",
    queues={queue.value: workers for queue, workers in WORKERS.items()},
    running=1,
    started_at=_THEN,
    seen_at=_THEN,
)
_no_job: Final = Problem(
    type="/problems/job_not_found",
    title="There is no such job (finished jobs are kept for some days only)",
    status=404,
    detail="There is no such job (finished jobs are kept for some days only)",
    instance="/api/v1/admin/jobs/4712",
    code=404,
    message="There is no such job (finished jobs are kept for some days only)",
    error="job_not_found",
    request_id="019c5b1e-5e00-7000-8000-0000000000ff",
)

EXAMPLES: Final[dict[type[Wire], Wire]] = {
    type(example): example
    for example in (
        *ACTIVITY_EXAMPLES,
        *API_KEY_EXAMPLES,
        _admin_user,
        AdminUserCreate(username="grace", email="grace@example.org", roles=("moderator",)),
        AdminUserCreated(
            **asdict(_admin_user), reset_link=Secret("https://media.example.org/account/reset#token=0b5e…")
        ),
        AdminUserListResponse(users=[_admin_user], total=1),
        AdminUserUpdate(display_name="Ada L.", roles=["moderator", "user"]),
        BootstrapRequest(
            token=Secret("0b5e…64 hexadecimal digits"), username="ada", email="ada@example.org", password=_PASSWORD
        ),
        ChangePasswordRequest(old_password=_PASSWORD, new_password=Secret("nine green lanterns")),
        _device,
        DeviceListResponse(devices=[_device], total=1),
        Avatar(
            id=UUID("019c5b1e-5e00-7000-8000-00000000000a"),
            user_id=UUID("019c5b1e-5e00-7000-8000-000000000001"),
            file_path="/api/v1/files/avatars/5f0c1d7a9e3b48f2a6d4c8e07b1f9a35.webp",
            file_size_bytes=20480,
            mime_type="image/webp",
            width=512,
            height=512,
            is_animated=False,
            version=1,
            is_current=True,
            uploaded_at=_THEN,
        ),
        Export(
            id=UUID("019c5b1e-5e00-7000-8000-000000000004"),
            state=ExportState.READY,
            requested_at=_THEN,
            finished_at=_THEN,
            expires_at=_LATER,
            size=48213,
            download_url="/api/v1/users/me/export/download",
        ),
        _count,
        GuessLimitList(limits=[_count], total=1),
        HealthCheck(name="readiness", status=Status.HEALTHY),
        InvitationCreate(email="grace@example.org", expires_at=_LATER),
        InvitationCreated(
            **asdict(_invitation),
            token=_INVITED,
            link=Secret("https://media.example.org/account/invitation#token=0b5e…"),
        ),
        _invitation,
        InvitationList(invitations=[_invitation], total=1),
        InvitationOffer(role="user", email="grace@example.org", expires_at=_LATER),
        InvitationToken(token=_INVITED),
        ItemList(items=[ItemInfo(item="Season 2/07.mkv", status=ItemStatus.FAILED, detail="cannot be read", at=_THEN)]),
        _job,
        _counts,
        JobDetails(
            **asdict(_job),
            errors=[JobFailure(attempt=1, at=_THEN, error="TimeoutError", worker="media-1:2301")],
            metadata={"schedule": "scan_daily"},
            timeout=3600,
            items={"done": 449, "failed": 1, "skipped": 0},
            args={"library": "films"},
        ),
        JobList(jobs=[_job], next_cursor="NDcxMQ", total=813),
        _queue,
        JobQueueList(queues=[_queue]),
        JobResults(
            results=[JobResult(id=4711, status=204), JobResult(id=4712, status=404, problem=_no_job)], done=1, failed=1
        ),
        JobSelection(filter=JobFilter(state=(JobState.DISCARDED,), kind=("scan_library",), created_after=_THEN)),
        LoginRequest(
            username="ada",
            password=_PASSWORD,
            device_name="Living room",
            client_type=ClientType.TV,
            device_token=_DEVICE,
        ),
        LoginResponse(user=_user, access_token=_ACCESS, refresh_token=_REFRESH, expires_in=900, device_token=_DEVICE),
        LogoutRequest(refresh_token=_REFRESH, logout_all=False),
        OwnActivity(entries=[OWN_ENTRY], next_cursor="MTc3MTA2MzIwMDAwMDAwMC4wMTljNWIxZQ"),
        Problem(
            type="/problems/session_not_found",
            title="There is no such session",
            status=404,
            detail="There is no such session",
            instance="/api/v1/sessions/019c5b1e-5e00-7000-8000-000000000003",
            code=404,
            message="There is no such session",
            error="session_not_found",
            request_id="019c5b1e-5e00-7000-8000-0000000000ff",
        ),
        Profile(
            id=_user.id,
            username="ada",
            display_name="Ada",
            is_active=True,
            created_at=_THEN,
        ),
        ReauthenticateRequest(password=_PASSWORD),
        ReauthenticateResponse(access_token=_ACCESS, expires_in=900, reauth_expires_at=_THEN),
        RefreshRequest(refresh_token=_REFRESH),
        RefreshResponse(access_token=_ACCESS, refresh_token=_REFRESH, expires_in=900),
        ForgotPasswordRequest(email="ada@example.org"),
        RegisterRequest(username="ada", email="ada@example.org", password=_PASSWORD, display_name="Ada"),
        ResetPasswordRequest(token=Secret("5e" * 32), new_password=Secret("nine green lanterns")),
        RevokedSessions(revoked=2),
        VerifyEmailRequest(token=Secret("5e" * 32)),
        _schedule,
        ScheduleList(schedules=[_schedule]),
        _session,
        SessionListResponse(sessions=[_session], total=1),
        _user,
        UserPreferences(
            user_id=_user.id,
            email_notifications=EmailNotifications(),
            push_notifications=PushNotifications(),
            digest_notifications=DigestNotifications(),
            profile_visibility=Visibility.PRIVATE,
            show_email=False,
            show_activity=True,
            theme=Theme.SYSTEM,
            display_language="en-US",
            content_language="de-CH,en",
            metadata_language="en",
            show_adult_content=False,
            show_spoilers=False,
            auto_play_videos=True,
        ),
        UserPreferencesUpdate(email_notifications=EmailNotifications(frequency=MailFrequency.WEEKLY), theme=Theme.DARK),
        UserUpdate(display_name="Ada L.", timezone="Europe/London"),
        WorkerList(workers=[_worker]),
        *GROUP_EXAMPLES,
        *ROLE_EXAMPLES,
    )
}
