"""What requests are found by: the words of the subject's name and address and of the site, and the reference.

The words are in a text search vector, so that any of them can be found by its beginning, in any order. They are taken
apart here and not by a text search parser, which would take parts of them for numbers, hosts or e-mail addresses.
"""

from migrations import concurrently

revision = "0010"
down_revision = "0009"

WORDS = r"""array_to_tsvector(array_remove(string_to_array(translate(lower(
    left(subject ->> 'name', 300) || ' ' || left(split_part(subject ->> 'address', '@', 1), 200)
    || ' ' || replace(substr(reference, 5), '-', '')
    || ' ' || coalesce(site ->> 'ods', '') || ' ' || coalesce(left(site ->> 'name', 300), '')
), '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~’‘–—' || chr(160) || chr(9) || chr(10) || chr(13), repeat(' ', 40)), ' '), ''))"""


def upgrade() -> None:
    concurrently.build("requests_found_by", f"requests USING gin (({WORDS}))")
