"""When nights are run: timers and cron lines, missed nights, a foreground scheduler.

Which nights are due, and what follows a night that failed, are pure decisions
(`missed`, `timetable`, `standing`); only `foreground` knows APScheduler.
"""
