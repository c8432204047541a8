"""What follows from the server's rows.

Generated from client/commands.json by generate.py; do not edit.
"""
