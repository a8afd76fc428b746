"""Addresses, packages and facts of a site."""

from typing import Any

import pytest

from tracker.domain.errors import Invalid
from tracker.domain.fact import FACT_KEYS
from tracker.domain.site import check_package, check_variant, read_address, read_facts


@pytest.mark.parametrize(
    "spelling",
    [
        "https://shop.example.com",
        "http://shop.example.com/",
        "shop.example.com",
        "  HTTPS://Shop.Example.COM// ",
        "https://shop.example.com:443",
        "http://shop.example.com:80/",
        "https://shop.example.com./",
        "https://shop.example.com/?page=1#top",
    ],
)
def test_one_site_has_one_key_however_it_is_spelled(spelling: str) -> None:
    assert read_address(spelling).key == "shop.example.com"


def test_a_name_beyond_ascii_is_the_same_site_as_its_idna_form() -> None:
    keys = {read_address(spelling).key for spelling in ("https://BÜCHER.example", "bücher.example", "xn--bcher-kva.example")}
    assert keys == {"xn--bcher-kva.example"}
    assert read_address("https://bücher.example").url == "https://bücher.example", "kept as typed"


@pytest.mark.parametrize("other", ["shop.example.com:8443", "shop.example.com/de", "shop2.example.com", "example.com"])
def test_another_port_path_or_host_is_another_site(other: str) -> None:
    assert read_address(other).key != "shop.example.com"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "not a web address"),
        ("https://", "not a web address"),
        ("ftp://example.com", "not a web address"),
        ("javascript://example.com/%0aalert(1)", "not a web address"),
        ("https://exa_mple..com", "not a web address"),
        ("https://example.com:port", "not a web address"),
        ("https://[::1", "not a web address"),
        ("https://exam ple.com", "holds no spaces"),
        ("https://example.com/\x00", "control character"),
        ("https://example.com/\u202egpj", "turns its direction"),
        ("https://example.com/\ud800", "broken character"),
        ("https://example.com/" + "x" * 2000, "at most 2,000 characters"),
        ("https://editor:example@example.com", "user name and password"),
    ],
)
def test_what_is_no_address_is_refused_at_its_field(typed: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        read_address(typed)
    assert [error.field for error in refused.value.errors] == ["url"]


def test_premium_takes_exactly_one_extra() -> None:
    check_package("standard", None)
    check_package("premium", "custom-upstream")
    for package, option in (("premium", None), ("standard", "custom-upstream")):
        with pytest.raises(Invalid) as refused:
            check_package(package, option)
        assert refused.value.errors[0].field == "premium_option"


def test_a_variant_belongs_to_drupal() -> None:
    check_variant("drupal", "drupal-7")
    check_variant("wordpress", None)
    with pytest.raises(Invalid, match="Only a Drupal site"):
        check_variant("wordpress", "drupal-7")


def test_a_fact_that_nobody_named_is_unknown() -> None:
    facts = read_facts({"search_provider": " solr "})
    assert tuple(facts) == FACT_KEYS
    assert facts.pop("search_provider") == "solr"
    assert set(facts.values()) == {None}


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"colour": "red"}, "facts"),
        ({"search_provider": float("nan")}, "facts.search_provider"),
        ({"search_provider": ["solr"]}, "facts.search_provider"),
        ({"search_provider": {"name": "solr"}}, "facts.search_provider"),
        ({"search_provider": "so\x00lr"}, "facts.search_provider"),
        ({"search_provider": "x" * 201}, "facts.search_provider"),
    ],
)
def test_a_fact_is_a_plain_value_under_a_known_name(facts: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_facts(facts)
    assert [error.field for error in refused.value.errors] == [field]
