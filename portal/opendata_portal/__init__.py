"""The embedded CKAN of the Open-Data-Kurs (AGPL-3.0-or-later, see the LICENSE file beside this package)."""
