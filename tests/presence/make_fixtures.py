# Made the .mmdb files in this folder, once: pip install mmdb_writer==0.2.7 maxminddb==3.2.0 netaddr==1.3.0
import sys
from netaddr import IPSet
from mmdb_writer import MMDBWriter

out = sys.argv[1]
def country(code, name, other=None):
    return {"iso_code": code, "names": {"en": name, "de": other or name}}
BERLIN = {"city": {"names": {"en": "Berlin"}}, "country": country("DE", "Germany", "Deutschland")}
LYON = {"city": {"names": {"en": "Lyon", "fr": "Lyon"}}, "country": country("FR", "France", "Frankreich")}
COUNTRY_ONLY = {"country": country("US", "United States", "USA"), "registered_country": country("CA", "Canada")}
NO_COUNTRY = {"registered_country": country("CA", "Canada")}
ODD = {"city": {"names": {"de": "Köln"}}, "country": {"iso_code": 49, "names": "Germany"}}

def write(name, kind, rows, ip_version=6, **more):
    w = MMDBWriter(ip_version, kind, languages=["en", "de"], description="Foyer test data", **more)
    for nets, record in rows:
        w.insert_network(IPSet(nets), record)
    w.to_db_file(f"{out}/{name}.mmdb")

# RFC 5737 and RFC 3849 reserve these addresses for examples.
A, B, C, D, E = "203.0.113.0/25", "198.51.100.0/24", "192.0.2.0/25", "192.0.2.128/25", "203.0.113.128/25"
v6 = lambda n: f"2001:db8:{n}::/48"
def all6(nets4, n): return nets4 and [nets4, v6(n)]
compat = dict(ipv4_compatible=True)
write("city", "GeoLite2-City", [(all6(A, 1), BERLIN), (all6(B, 2), LYON), (all6(C, 3), COUNTRY_ONLY), ([D], NO_COUNTRY), ([E], ODD)], **compat)
write("city-moved", "GeoLite2-City", [(all6(A, 1), LYON), (all6(B, 2), BERLIN)], **compat)
write("country", "GeoLite2-Country", [(all6(A, 1), {"country": BERLIN["country"]}), (all6(C, 3), COUNTRY_ONLY)], **compat)
write("dbip-city-lite", "DBIP-City-Lite (compat=City)", [(all6(A, 1), BERLIN), (all6(B, 2), LYON)], **compat)
write("ipv4-only", "GeoLite2-City", [([A], BERLIN), (["32.1.0.0/16"], LYON)], ip_version=4)
flat = lambda **fields: fields
write("flat", "ip-location", [
    ([A], flat(city="Berlin", country_code="DE", state1="Berlin", latitude=52.5)),
    ([B], flat(city="Lyon", country="FR", country_name="France", continent="EU")),
    ([C], flat(country="Germany", country_code="DE", asn="AS64496")),
    ([D], flat(city_name="Berlin", country_code="DE", country_name="Germany")),
    ([E], flat(city="", country="", country_code=49))], **compat)
write("unknown", "Places", [([A], {"town": "Berlin", "land": "DE"})], **compat)
write("asn", "GeoLite2-ASN", [([A], {"autonomous_system_number": 64496, "autonomous_system_organization": "Example"})], **compat)
