
## 在每人各有一条线路的平台上登录

cmd-signin = 在每人各有一条线路的平台上开通自己的线路
cmd-signin-more = 你会收到一张二维码图片，用手机上的该应用扫码即可。绑定之前你在那边是新人：在那边发送 bind，再把绑定码发到这里。
cmd-signin-arg-platform = 哪个平台；只有一个时可以不写
cmd-signin-examples =
    signin
sign-in-begins = 正在向 { $platform } 获取二维码……
sign-in-code = 请用手机上的 { $platform } 扫这个码（从另一块屏幕扫），几分钟内有效。它会把那部手机的账号与我连通，请勿给别人看。在手机上也可以打开：{ $link }
sign-in-scanned = 已扫码，请在手机上确认。
sign-in-digits = 手机上显示了一串数字，请把它发到这里。
sign-in-digits-again = 数字不对。请发送手机上现在显示的数字。
sign-in-done = 已连接：请到 { $platform } 里跟我打个招呼。绑定之前你在那边是新人：在那边发送 /bind，再把带绑定码的那一行发到这里。
sign-in-failed = { $platform } 没有连接成功：{ $reason }
sign-in-why-late = 没有人及时确认
sign-in-why-spent = 二维码接连失效，或者数字输错太多次
sign-in-why-no-digits = 没有人发来数字
sign-in-why-away = 联系不上对方平台，或者它的回应不正常；请过几分钟再试
sign-in-why-odd = 对方平台的回应我无法使用
sign-in-why-untrusted = 对方平台让我去一个这里不信任的地址；如果它确实属于该平台，所有者可以把它加进配置
sign-in-why-full = 在这里登录的人数已达上限；所有者可以调高上限
sign-in-why-busy = 现在登录的人太多；请过一分钟再试
sign-in-why-detail = { $words }（{ $detail }）
sign-in-late = { $platform } 没有连接成功：等待太久。请发送 /signin 获取新的二维码。
sign-in-cut = { $platform } 没有连接成功：它的适配器断开了。请过一分钟再发送 /signin。
sign-in-nowhere = 这里没有需要各人自己扫码登录的平台。如果已经配置，可能是它的适配器不在线：见 `health`。
sign-in-not-there = 这里不能登录“{ $platform }”，或者它的适配器不在线：见 `health`。
sign-in-where = 登录哪一个：{ $platforms }？请发送 { $command }。
sign-in-lost = 你在 { $platform } 的线路断开了，消息到不了那边。要我获取新的二维码吗？
sign-in-lost-of = { $name } 在 { $platform } 的线路断开了，我在别处联系不到他。拿着那部手机的人可以用 { $command } 获取新的二维码。
button-sign-in = 新二维码
