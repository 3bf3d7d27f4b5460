"""Handoff: passes qualified leads from marketing to sales and back, and can say why."""
