"""Words from which seeds invent people and companies.

No real person: names are mixed at random, domains are .example, phones come from ranges reserved for fiction
(+1 202 555 01xx, +44 20 7946 0xxx).
"""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words(
    "Ana Bela Caio Dora Elin Faro Gita Hugo Iris Jarek Kaya Lino Mira Nuno Olga Paulo Quill Rosa Silas "
    "Tove Ugo Vera Wanda Xenia Yara Zeno Alma Bruno Celia Dario Ebba Fabio Greta Henk Ines Joana Karl "
    "Leda Milo Nora"
)
LAST = _words(
    "Abrolhos Bexley Corvo Darnell Esteva Farrow Grendel Hollis Ibsby Jansoon Kestrel Lindqvister Marlowe "
    "Norrland Ostrava Pellam Quarry Rosmarin Sandoval Tarnow Ulverton Vasconte Wexcombe Yarrow Zellmer "
    "Alcantil Brisbois Cardoen Dunmore Elverum"
)
COMPANY_WORDS = _words(
    "Amber Birch Cobalt Delta Ember Fjord Granite Harbor Indigo Juniper Kelp Lumen Maple Nimbus Onyx Pine "
    "Quartz River Saffron Tidal Umber Violet Willow Xenon Yonder Zephyr"
)
COMPANY_KINDS = _words("Logistics Foods Labs Retail Systems Clinics Textiles Energy Media Robotics Travel Tools")
INDUSTRIES = _words("Logistics Food Software Retail Healthcare Textiles Energy Media Manufacturing Travel")
SOURCES = _words("ORGANIC_SEARCH PAID_SEARCH SOCIAL_MEDIA REFERRALS EMAIL_MARKETING DIRECT_TRAFFIC OFFLINE")
PAGES = _words("/ /product /pricing /cases /blog/first-call /about /docs /integrations /compare")
STATUSES = _words("NEW OPEN IN_PROGRESS ATTEMPTED_TO_CONTACT CONNECTED")
TITLES = (
    "Head of Marketing",
    "Sales Director",
    "CEO",
    "Founder",
    "Operations Manager",
    "Buyer",
    "IT Manager",
    "Student",
    "CFO",
    "Marketing Analyst",
    "VP Sales",
    "Office Manager",
    "Consultant",
    "Head of E-commerce",
    "Intern",
)
PLACES = (
    ("United States", "US", "Washington", "20001"),
    ("United Kingdom", "GB", "London", "EC1A 1AA"),
    ("Germany", "DE", "Berlin", "10115"),
    ("Portugal", "PT", "Porto", "4000-001"),
    ("Brazil", "BR", "São Paulo", "01001-000"),
    ("Spain", "ES", "Madrid", "28001"),
    ("France", "FR", "Lyon", "69001"),
    ("Netherlands", "NL", "Utrecht", "3511"),
)
OWNERS = (
    ("Ana", "Corvo", "Americas"),
    ("Bela", "Farrow", "Americas"),
    ("Caio", "Tarnow", "Americas"),
    ("Dora", "Wexcombe", "Europe"),
    ("Elin", "Norrland", "Europe"),
    ("Hugo", "Pellam", "Europe"),
    ("Zeno", "Quarry", "Europe"),  # the last one is archived
)
FORMS = (
    ("Request a demo", ("firstname", "lastname", "email", "phone", "company", "message")),
    ("Free audit", ("firstname", "lastname", "email", "website")),
    ("Contact us", ("firstname", "lastname", "email", "phone", "message")),
    ("Newsletter", ("email",)),
    ("Guide download", ("firstname", "email", "company", "jobtitle")),
)
EMOJI_NAMES = ("🦊 Fox", "Zoë ✨", "李 小龙🐉", "Ñandú 🌵")
