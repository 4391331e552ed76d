
## Signing in where each person has a line of their own

cmd-signin = open your own line on a platform where each person has one
cmd-signin-more = You get a code as a picture; scan it with that app on your phone. You are new there until you bind: send bind there and the code here.
cmd-signin-arg-platform = which; may be left out when there is only one
cmd-signin-examples =
    signin
sign-in-begins = I ask { $platform } for a code …
sign-in-code = Scan this with { $platform } on your phone, from another screen; it is good for a few minutes. It opens a line between that phone's account and me, so show it to nobody. On the phone itself: { $link }
sign-in-scanned = Scanned. Now confirm on the phone.
sign-in-digits = The phone shows digits: send them to me here.
sign-in-digits-again = Those digits were not right. Send me what the phone shows now.
sign-in-done = Connected: say hello to me in { $platform }. You are new there until you send /bind there and then, here, the line with the code.
sign-in-failed = { $platform } was not connected: { $reason }
sign-in-why-late = nobody has confirmed it in time
sign-in-why-spent = every code ran out, or its digits were wrong too often
sign-in-why-no-digits = nobody has sent the digits
sign-in-why-away = it cannot be reached, or does not answer as it should; try again in a few minutes
sign-in-why-odd = it answered something that I cannot use
sign-in-why-untrusted = it sends me to an address that is not trusted here; an owner can add it to the configuration, if it belongs to the platform
sign-in-why-full = as many people have signed in here as are allowed; an owner can allow more
sign-in-why-busy = too many people sign in right now; try again in a minute
sign-in-why-detail = { $words } ({ $detail })
sign-in-late = { $platform } was not connected: it took too long. Send /signin for a new code.
sign-in-cut = { $platform } was not connected: its adapter went away. Send /signin in a minute.
sign-in-nowhere = There is no platform here on which people sign in by themselves. Where one is set up, its adapter may be away: see `health`.
sign-in-not-there = People do not sign in to “{ $platform }” here, or its adapter is away: see `health`.
sign-in-where = Where: { $platforms }? Send { $command }.
sign-in-lost = Your line on { $platform } was cut, so nothing reaches you there. Shall I fetch a new code to scan?
sign-in-lost-of = The line of { $name } on { $platform } was cut, and I know them nowhere else. Whoever has that phone can get a new code with { $command }.
button-sign-in = new code
