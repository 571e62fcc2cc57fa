"""Clear a file of orders through the API and ask why a line is held: python client.py orders.csv"""

import csv, os, sys, time, uuid  # noqa: E401, I001
import httpx

key = {"Authorization": f"Bearer {os.environ['ENTREPOT_KEY']}"}
desk = httpx.Client(base_url=f"{os.environ['ENTREPOT_URL']}/api/v1", headers=key, timeout=60)
desk.event_hooks["response"] = [httpx.Response.raise_for_status]
with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    lines = [{name: value for name, value in row.items() if name and value} for row in csv.DictReader(file)]
once = {"Idempotency-Key": str(uuid.uuid4())}  # a fresh one for each write
batch = desk.post("/batches/lines", json={"lines": lines}, headers=once).json()
while batch["state"] in ("waiting", "clearing"):
    time.sleep(0.5)
    batch = desk.get(f"/batches/{batch['id']}").json()
figures = batch["summary"] or sys.exit(batch["job"]["problem"])  # null where the batch failed
print(batch["state"], figures["by_verdict"], "tax", figures["tax_total_cny"], "CNY")
for held in desk.get("/consignments", params={"batch": batch["id"], "verdict": "hold"}).json()["items"]:
    why = desk.get(f"/consignments/{batch['id']}/{held['row_id']}/why").json()["reasons"]
    print(held["order_id"], held["lane"], held["release_rule"], "why:", why)
