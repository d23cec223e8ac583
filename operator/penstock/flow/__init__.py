"""When a request goes: queue, admission, credit and time to live, behind one sans-IO scheduler."""
