"""`handoff report`: what the reports say, as one document each, and the forms in which it can be had.

document.py     a document: sections with words, tables and pictures; nothing of any form
words.py        how numbers are said
funnel.py sla.py owners.py sources.py meeting.py agreement.py    figures -> document
as_text.py as_markdown.py as_html.py as_mail.py as_csv.py as_json.py             document -> text
"""
