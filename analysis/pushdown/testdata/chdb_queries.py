"""Answers queries from standard input with chdb, one JSON object a line:
{"sql": ..., "params": {...}} gives {"rows": TabSeparated text} or {"error": ...}."""

import json
import sys

from chdb import session

db = session.Session()
for line in sys.stdin:
    query = json.loads(line)
    try:
        for name, value in (query.get("params") or {}).items():
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            db.query(f"SET param_{name} = '{escaped}'")
        answer = {"rows": db.query(query["sql"], "TabSeparated").bytes().decode("utf-8", "surrogateescape")}
    except Exception as e:
        answer = {"error": str(e)}
    print(json.dumps(answer), flush=True)
