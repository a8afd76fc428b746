"""What Northwind Museums and the team said and sent: lists of extensions, defects, notes of the kick-off, links."""

from collections.abc import Sequence

from tracker.domain.link import LinkKind
from tracker.domain.notice import Audience
from tracker.domain.uat import DefectClass, DefectState
from tracker.services.uat import DefectChange

SHOP_EXTENSIONS = (
    "slug,name,version,status", "accessally,AccessAlly,4.0,active", "adthrive-ads,AdThrive Ads,3.6.2,inactive",
    "autoptimize,Autoptimize,3.1.9,active", "better-search-replace,Better Search Replace,1.4.7,active",
    "better-wp-security,Solid Security,9.3.1,active", "broken-link-checker,Broken Link Checker,2.4.1,active",
    "contact-form-7,Contact Form 7,5.9.8,active", "elementor,Elementor,3.24.2,active",
    "museum-tickets,Museum Tickets,1.4.0,active", "official-facebook-pixel,Facebook for WordPress,4.0.0,active",
    "old-gallery,Old Gallery,0.9,inactive", "stock-sync,Stock Sync,0.7.3,active", "w3-total-cache,W3 Total Cache,2.7.6,active",
    "woocommerce,WooCommerce,9.3.3,active",
)  # fmt: skip
WWW_EXTENSIONS = (
    "slug,name,version,status", "contact-form-7,Contact Form 7,5.9.8,active", "cookie-law-info,CookieYes,3.2.6,active",
    "h5p,H5P,1.15.8,active", "museum-events,Museum Events,2.1.0,active", "wordpress-seo,Yoast SEO,23.5,active",
)  # fmt: skip
# Slug, verdict, the engineer's note, minutes.
VERDICTS: Sequence[tuple[str, str, str, int | None]] = (
    ("museum-tickets", "works", "Sold a ticket on the copy, twice.", 30),
    ("autoptimize", "configure", "Its cache goes to the uploads folder.", 90),
    ("w3-total-cache", "disable", "The platform caches pages itself.", 20),
    ("old-gallery", "replace", "Not maintained; the block editor's gallery does the same.", None),
)
# Title, details, what the team says of it, whether the customer has confirmed it.
DEFECTS: Sequence[tuple[str, str, DefectChange | None, bool]] = (
    (
        "Order mails are not sent", "Three orders, no mail. The log of the relay is empty.",
        DefectChange(None, classification=DefectClass.MIGRATION_DEFECT, state=DefectState.FIXED), True,
    ),
    (
        "The old logo in the footer", "It should be the new one.",
        DefectChange(None, classification=DefectClass.PRE_EXISTING, state=DefectState.DECLINED,
                     source_checked="The same logo on https://shop.northwind.example/ today."), False,
    ),
    (
        "Basket is empty after signing in", "Put in a poster, sign in: the basket is empty.",
        DefectChange(None, classification=DefectClass.KNOWN_INCOMPATIBILITY, state=DefectState.FIXED), False,
    ),
    (
        "The search finds no membership", "Search for “membership”: no result. The old site shows four.",
        DefectChange(None, classification=DefectClass.MIGRATION_DEFECT, state=DefectState.FIXING), False,
    ),
    ("Prices without pence on the phone", "£12 in place of £12.50, on a small phone only.", None, False),
)  # fmt: skip
KICKOFF = (
    "Three sites, one launch each. www goes first, the shop follows, archive comes last.\n"
    "The museum owns its DNS; Tom switches it. The shop is tested by Tom and Ines.",
    "Their host is slow to answer; ask for access early.",
    (
        ("Priya Nair", "customer", "head of digital"), ("Tom Baker", "customer", "IT"),
        ("Jonas Weber", "team", "engagement manager"), ("Mei Lindqvist", "team", "migrations engineer"),
    ),
)  # fmt: skip
LINKS = (
    (LinkKind.AGREEMENT, "Agreement SOW-2026-118", "https://docs.example.com/northwind/agreement", Audience.CUSTOMER),
    (LinkKind.TEST_SCRIPT, "Test script for the shop", "https://docs.example.com/northwind/shop-test", Audience.CUSTOMER),
    (LinkKind.DOCUMENT, "Estimate of the search work", "https://docs.example.com/northwind/search", Audience.INTERNAL),
)
# A question of the customer's, what the team says of it among themselves, the answer, and what follows.
COMMENTS = (
    "The catalogue team still edits the shop until Thursday. Is that a problem for the freeze?",
    "They ask for the second time; decide by tomorrow.",
    "Not for the code freeze: content may change until the content freeze, a day before the launch.",
    "Thank you. The editors know. Ines finishes her part of the test today.",
)
LAST_WORD = "Priya, the shop’s test was to end two days ago. Three defects are not settled yet; what else do you need to sign?"
