-- name: lock_user
-- A row that is not there yet cannot be locked. It is a statement of its own, so that the next one sees what whoever
-- held the lock before has left.
SELECT id FROM revenge.users WHERE id = %(user_id)s FOR NO KEY UPDATE

-- name: of_user
SELECT to_jsonb(preferences)::text FROM revenge.user_preferences AS preferences WHERE user_id = %(user_id)s

-- name: put
INSERT INTO revenge.user_preferences
SELECT (jsonb_populate_record(NULL::revenge.user_preferences, %(preferences)s::text::jsonb)).*
ON CONFLICT (user_id) DO UPDATE
   SET email_notifications = excluded.email_notifications, push_notifications = excluded.push_notifications,
       digest_notifications = excluded.digest_notifications, profile_visibility = excluded.profile_visibility,
       show_email = excluded.show_email, show_activity = excluded.show_activity, theme = excluded.theme,
       display_language = excluded.display_language, content_language = excluded.content_language,
       metadata_language = excluded.metadata_language, show_adult_content = excluded.show_adult_content,
       show_spoilers = excluded.show_spoilers, auto_play_videos = excluded.auto_play_videos,
       version = excluded.version
