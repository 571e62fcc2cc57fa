from django.db import migrations, models

import entrepot.desk.people.models


class Migration(migrations.Migration):

    dependencies = [('people', '0001_initial')]

    operations = [
        migrations.AlterField('User', 'language', models.CharField(blank=True, default='', max_length=10)),
        # Rows that are there already stay without a code until one is asked for: a default would give all the same.
        migrations.AddField('Organisation', 'broker_code', models.CharField(max_length=12, null=True, unique=True)),
        migrations.AlterField(
            'Organisation',
            'broker_code',
            models.CharField(default=entrepot.desk.people.models.new_broker_code, max_length=12, null=True, unique=True),
        ),
    ]
