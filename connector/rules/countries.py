"""Countries: from what people type to the two-letter code of ISO 3166-1, and back to a name for sentences.

An own table, since the catalogues at hand know neither "UK" nor "Deutschland" (docs/rules/fields.md). Each line is:
code, code of three letters, English name, then other spellings in use, divided by `|`. Accents and case do not matter.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache

_TABLE = """
AD|AND|Andorra
AE|ARE|United Arab Emirates|UAE|Emirates|Dubai|Abu Dhabi
AF|AFG|Afghanistan
AG|ATG|Antigua and Barbuda
AI|AIA|Anguilla
AL|ALB|Albania|Shqiperia
AM|ARM|Armenia
AO|AGO|Angola
AQ|ATA|Antarctica
AR|ARG|Argentina|Argentine
AS|ASM|American Samoa
AT|AUT|Austria|Österreich|Oesterreich|Autriche
AU|AUS|Australia|Australien
AW|ABW|Aruba
AX|ALA|Åland Islands|Aland
AZ|AZE|Azerbaijan
BA|BIH|Bosnia and Herzegovina|Bosnia|Bosna i Hercegovina
BB|BRB|Barbados
BD|BGD|Bangladesh
BE|BEL|Belgium|België|Belgique|Belgien
BF|BFA|Burkina Faso
BG|BGR|Bulgaria
BH|BHR|Bahrain
BI|BDI|Burundi
BJ|BEN|Benin
BL|BLM|Saint Barthélemy|St Barts
BM|BMU|Bermuda
BN|BRN|Brunei|Brunei Darussalam
BO|BOL|Bolivia|Plurinational State of Bolivia
BQ|BES|Caribbean Netherlands|Bonaire
BR|BRA|Brazil|Brasil|Brasilien|Brésil
BS|BHS|Bahamas|The Bahamas
BT|BTN|Bhutan
BV|BVT|Bouvet Island
BW|BWA|Botswana
BY|BLR|Belarus
BZ|BLZ|Belize
CA|CAN|Canada|Kanada
CC|CCK|Cocos Islands|Keeling Islands
CD|COD|DR Congo|Democratic Republic of the Congo|Congo Kinshasa|Congo, The Democratic Republic of the
CF|CAF|Central African Republic
CG|COG|Congo|Republic of the Congo|Congo Brazzaville
CH|CHE|Switzerland|Schweiz|Suisse|Svizzera|Suiza
CI|CIV|Ivory Coast|Côte d'Ivoire
CK|COK|Cook Islands
CL|CHL|Chile
CM|CMR|Cameroon|Cameroun
CN|CHN|China|PRC|People's Republic of China|Mainland China
CO|COL|Colombia
CR|CRI|Costa Rica
CU|CUB|Cuba
CV|CPV|Cape Verde|Cabo Verde
CW|CUW|Curaçao
CX|CXR|Christmas Island
CY|CYP|Cyprus
CZ|CZE|Czechia|Czech Republic|Česko|Tschechien
DE|DEU|Germany|Deutschland|GER|Allemagne|Alemania|Alemanha|Germania|Duitsland|BRD|Federal Republic of Germany
DJ|DJI|Djibouti
DK|DNK|Denmark|Danmark|Dänemark
DM|DMA|Dominica
DO|DOM|Dominican Republic|República Dominicana
DZ|DZA|Algeria|Algérie
EC|ECU|Ecuador
EE|EST|Estonia|Eesti
EG|EGY|Egypt
EH|ESH|Western Sahara
ER|ERI|Eritrea
ES|ESP|Spain|España|Espagne|Spanien|Espanha
ET|ETH|Ethiopia
FI|FIN|Finland|Suomi|Finnland
FJ|FJI|Fiji
FK|FLK|Falkland Islands|Malvinas
FM|FSM|Micronesia|Federated States of Micronesia
FO|FRO|Faroe Islands
FR|FRA|France|Frankreich|Francia|França
GA|GAB|Gabon
GB|GBR|United Kingdom|UK|U.K.|Great Britain|Britain|England|Scotland|Wales|Northern Ireland|Großbritannien|Royaume-Uni|
GD|GRD|Grenada
GE|GEO|Georgia|Sakartvelo
GF|GUF|French Guiana
GG|GGY|Guernsey
GH|GHA|Ghana
GI|GIB|Gibraltar
GL|GRL|Greenland
GM|GMB|Gambia|The Gambia
GN|GIN|Guinea
GP|GLP|Guadeloupe
GQ|GNQ|Equatorial Guinea
GR|GRC|Greece|Hellas|Griechenland|EL
GS|SGS|South Georgia
GT|GTM|Guatemala
GU|GUM|Guam
GW|GNB|Guinea-Bissau
GY|GUY|Guyana
HK|HKG|Hong Kong|Hongkong|Hong Kong SAR
HM|HMD|Heard Island and McDonald Islands
HN|HND|Honduras
HR|HRV|Croatia|Hrvatska|Kroatien
HT|HTI|Haiti
HU|HUN|Hungary|Magyarország|Ungarn
ID|IDN|Indonesia
IE|IRL|Ireland|Éire|Republic of Ireland|Irland
IL|ISR|Israel
IM|IMN|Isle of Man
IN|IND|India|Bharat|Indien
IO|IOT|British Indian Ocean Territory
IQ|IRQ|Iraq
IR|IRN|Iran|Islamic Republic of Iran
IS|ISL|Iceland|Ísland
IT|ITA|Italy|Italia|Italien|Italie
JE|JEY|Jersey
JM|JAM|Jamaica
JO|JOR|Jordan
JP|JPN|Japan|Nippon
KE|KEN|Kenya
KG|KGZ|Kyrgyzstan
KH|KHM|Cambodia
KI|KIR|Kiribati
KM|COM|Comoros
KN|KNA|Saint Kitts and Nevis|St Kitts and Nevis
KP|PRK|North Korea|Democratic People's Republic of Korea
KR|KOR|South Korea|Korea|Republic of Korea|Korea, Republic of
KW|KWT|Kuwait
KY|CYM|Cayman Islands
KZ|KAZ|Kazakhstan
LA|LAO|Laos|Lao People's Democratic Republic
LB|LBN|Lebanon
LC|LCA|Saint Lucia|St Lucia
LI|LIE|Liechtenstein
LK|LKA|Sri Lanka
LR|LBR|Liberia
LS|LSO|Lesotho
LT|LTU|Lithuania|Lietuva|Litauen
LU|LUX|Luxembourg|Luxemburg
LV|LVA|Latvia|Latvija|Lettland
LY|LBY|Libya
MA|MAR|Morocco|Maroc
MC|MCO|Monaco
MD|MDA|Moldova|Republic of Moldova
ME|MNE|Montenegro|Crna Gora
MF|MAF|Saint Martin
MG|MDG|Madagascar
MH|MHL|Marshall Islands
MK|MKD|North Macedonia|Macedonia
ML|MLI|Mali
MM|MMR|Myanmar|Burma
MN|MNG|Mongolia
MO|MAC|Macao|Macau
MP|MNP|Northern Mariana Islands
MQ|MTQ|Martinique
MR|MRT|Mauritania
MS|MSR|Montserrat
MT|MLT|Malta
MU|MUS|Mauritius
MV|MDV|Maldives
MW|MWI|Malawi
MX|MEX|Mexico|México|Mexiko
MY|MYS|Malaysia
MZ|MOZ|Mozambique
NA|NAM|Namibia
NC|NCL|New Caledonia
NE|NER|Niger
NF|NFK|Norfolk Island
NG|NGA|Nigeria
NI|NIC|Nicaragua
NL|NLD|Netherlands|The Netherlands|Holland|Nederland|Niederlande|Pays-Bas
NO|NOR|Norway|Norge|Norwegen
NP|NPL|Nepal
NR|NRU|Nauru
NU|NIU|Niue
NZ|NZL|New Zealand|Aotearoa|Neuseeland
OM|OMN|Oman
PA|PAN|Panama|Panamá
PE|PER|Peru|Perú
PF|PYF|French Polynesia
PG|PNG|Papua New Guinea
PH|PHL|Philippines|The Philippines|Pilipinas
PK|PAK|Pakistan
PL|POL|Poland|Polska|Polen|Pologne
PM|SPM|Saint Pierre and Miquelon
PN|PCN|Pitcairn
PR|PRI|Puerto Rico
PS|PSE|Palestine|State of Palestine|Palestinian Territories
PT|PRT|Portugal
PW|PLW|Palau
PY|PRY|Paraguay
QA|QAT|Qatar
RE|REU|Réunion
RO|ROU|Romania|România|Rumänien
RS|SRB|Serbia|Srbija|Serbien
RU|RUS|Russia|Russian Federation|Rossiya
RW|RWA|Rwanda
SA|SAU|Saudi Arabia|KSA|Kingdom of Saudi Arabia
SB|SLB|Solomon Islands
SC|SYC|Seychelles
SD|SDN|Sudan
SE|SWE|Sweden|Sverige|Schweden|Suède
SG|SGP|Singapore|Singapur
SH|SHN|Saint Helena
SI|SVN|Slovenia|Slovenija|Slowenien
SJ|SJM|Svalbard and Jan Mayen
SK|SVK|Slovakia|Slovensko|Slowakei|Slovak Republic
SL|SLE|Sierra Leone
SM|SMR|San Marino
SN|SEN|Senegal|Sénégal
SO|SOM|Somalia
SR|SUR|Suriname
SS|SSD|South Sudan
ST|STP|São Tomé and Príncipe
SV|SLV|El Salvador
SX|SXM|Sint Maarten
SY|SYR|Syria|Syrian Arab Republic
SZ|SWZ|Eswatini|Swaziland
TC|TCA|Turks and Caicos Islands
TD|TCD|Chad
TF|ATF|French Southern Territories
TG|TGO|Togo
TH|THA|Thailand
TJ|TJK|Tajikistan
TK|TKL|Tokelau
TL|TLS|Timor-Leste|East Timor
TM|TKM|Turkmenistan
TN|TUN|Tunisia|Tunisie
TO|TON|Tonga
TR|TUR|Turkey|Türkiye|Türkei
TT|TTO|Trinidad and Tobago|Trinidad
TV|TUV|Tuvalu
TW|TWN|Taiwan|Taiwan, Province of China
TZ|TZA|Tanzania|United Republic of Tanzania
UA|UKR|Ukraine|Ukraina
UG|UGA|Uganda
UM|UMI|US Minor Outlying Islands
US|USA|United States|United States of America|U.S.A.|U.S.|America|The United States|Vereinigte Staaten|Estados Unidos|
UY|URY|Uruguay
UZ|UZB|Uzbekistan
VA|VAT|Vatican City|Holy See
VC|VCT|Saint Vincent and the Grenadines|St Vincent
VE|VEN|Venezuela|Bolivarian Republic of Venezuela
VG|VGB|British Virgin Islands
VI|VIR|US Virgin Islands|U.S. Virgin Islands
VN|VNM|Vietnam|Viet Nam
VU|VUT|Vanuatu
WF|WLF|Wallis and Futuna
WS|WSM|Samoa
XK|XKX|Kosovo
YE|YEM|Yemen
YT|MYT|Mayotte
ZA|ZAF|South Africa|RSA|Südafrika
ZM|ZMB|Zambia
ZW|ZWE|Zimbabwe
"""


@lru_cache(maxsize=4096)
def country_code(text: str) -> str | None:
    """The two-letter code of a country as people write it; None where the table does not know it."""
    return _codes().get(_plain(text))


def country_name(code: str) -> str:
    """The English name for a two-letter code; the code itself where the table does not know it."""
    return _names().get(code.upper(), code)


def known_names() -> tuple[str, ...]:
    """Every English name, for suggestions to admins who mistype one."""
    return tuple(_names().values())


def _plain(text: str) -> str:
    """Without accents, dots, case and doubled blanks: `Österreich` and `osterreich` are one."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return " ".join(bare.casefold().replace(".", "").replace(",", " ").replace("-", " ").split())


@cache
def _rows() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(part for part in line.split("|") if part) for line in _TABLE.split("\n") if line)


@cache
def _codes() -> dict[str, str]:
    return {_plain(spelling): row[0] for row in _rows() for spelling in row}


@cache
def _names() -> dict[str, str]:
    return {row[0]: row[2] for row in _rows()}
