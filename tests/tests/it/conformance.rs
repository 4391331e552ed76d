//! The same stories on every platform. A platform is one file in `conformance/` that implements
//! [`platform::Platform`], and one block at the end of this file with the stories that apply to it.

mod console;
mod onebot;
mod platform;
mod qq_official;
mod stories;
mod telegram;
mod wechat;
mod wechat_official;
mod wechaty;
mod wecom;
mod wecom_app;

/// Makes a test of each story for one platform.
macro_rules! conformance {
    ($name:ident: $platform:ty; $($story:ident)*) => {
        mod $name {
            $(
                #[tokio::test]
                async fn $story() {
                    let mut platform =
                        <$platform as super::super::platform::Platform>::start().await.unwrap();
                    super::super::stories::$story(&mut platform).await;
                    super::super::platform::Platform::finish(&mut platform).await;
                }
            )*
        }
    };
}

mod on {
    // A person at the server: no newcomers, no groups, and no line of its own that could break.
    conformance!(console: super::super::console::OnConsole;
        help
        job_with_progress
        file_in
        file_out
        choices
        long_text
        burst
    );
    conformance!(telegram: super::super::telegram::OnTelegram;
        help
        bind_in_private
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        file_out
        choices
        long_text
        burst
        reconnect
        cut_in_mid_job
        duplicate_event
        group_without_mention_stays_silent
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    conformance!(onebot: super::super::onebot::OnOneBot<super::super::onebot::Forward>;
        help
        bind_in_private
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        file_out
        choices
        long_text
        burst
        reconnect
        cut_in_mid_job
        duplicate_event
        group_without_mention_stays_silent
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    conformance!(onebot_reverse: super::super::onebot::OnOneBot<super::super::onebot::Reverse>;
        help
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        file_out
        choices
        long_text
        burst
        reconnect
        cut_in_mid_job
        duplicate_event
        group_without_mention_stays_silent
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        platform_down
    );
    // No line of its own that could be cut: each call is a request.
    conformance!(onebot_http: super::super::onebot::OnOneBot<super::super::onebot::Http>;
        help
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        file_out
        choices
        long_text
        burst
        duplicate_event
        group_without_mention_stays_silent
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        platform_down
    );
    conformance!(milky: super::super::onebot::OnOneBot<super::super::onebot::ByMilky>;
        help
        bind_in_private
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        file_out
        choices
        long_text
        burst
        reconnect
        cut_in_mid_job
        duplicate_event
        group_without_mention_stays_silent
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    conformance!(milky_sse: super::super::onebot::OnOneBot<super::super::onebot::ByMilkySse>;
        help
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        file_out
        choices
        long_text
        burst
        reconnect
        cut_in_mid_job
        duplicate_event
        group_without_mention_stays_silent
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    conformance!(milky_webhook: super::super::onebot::OnOneBot<super::super::onebot::ByMilkyWebhook>;
        help
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        file_out
        choices
        burst
        duplicate_event
        group_without_mention_stays_silent
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    conformance!(qq_official: super::super::qq_official::OnQqOfficial;
        help
        bind_in_private
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        file_out
        choices
        long_text
        burst
        reconnect
        cut_in_mid_job
        duplicate_event
        group_without_mention_stays_silent
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    conformance!(wecom: super::super::wecom::OnWecom<super::super::wecom::Line>;
        help
        bind_in_private
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        file_out
        choices
        long_text
        burst
        reconnect
        cut_in_mid_job
        duplicate_event
        group_without_mention_stays_silent
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    // No line of its own that could be cut, and no way to send a file.
    conformance!(wecom_callback: super::super::wecom::OnWecom<super::super::wecom::Called>;
        help
        bind_in_private
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        choices
        long_text
        burst
        duplicate_event
        group_without_mention_stays_silent
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    // Only private rooms; pictures come in, and no files go out.
    conformance!(wechat_official: super::super::wechat_official::OnOfficial<super::super::wechat_official::Encrypted>;
        help
        bind_in_private
        job_with_progress
        choices
        long_text
        burst
        duplicate_event
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    conformance!(wechat_official_compatible: super::super::wechat_official::OnOfficial<super::super::wechat_official::Compatible>;
        help
        job_with_progress
        duplicate_event
    );
    conformance!(wechat_official_plain: super::super::wechat_official::OnOfficial<super::super::wechat_official::Plain>;
        help
        job_with_progress
        duplicate_event
    );
    // Only private rooms, and people send pictures alone. Each call is a request: there is no line to cut.
    conformance!(wecom_app: super::super::wecom_app::OnWeComApp;
        help
        bind_in_private
        job_with_progress
        file_out
        choices
        long_text
        burst
        duplicate_event
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    // Private chats only.
    conformance!(wechat: super::super::wechat::OnWeChat;
        help
        bind_in_private
        job_with_progress
        file_in
        file_out
        choices
        long_text
        burst
        reconnect
        cut_in_mid_job
        duplicate_event
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
    conformance!(wechaty: super::super::wechaty::OnWechaty;
        help
        bind_in_private
        bind_from_a_group
        job_with_progress
        job_in_a_group
        file_in
        file_out
        choices
        long_text
        burst
        reconnect
        cut_in_mid_job
        duplicate_event
        group_without_mention_stays_silent
        quota_used_up_in_mid_job
        adapter_killed_in_mid_job
        brain_killed_in_mid_job
        platform_down
    );
}
